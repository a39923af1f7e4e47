"""The tables of an appraisal, which are files too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.appraisal.appraisal import Appraisal
from ensemble.appraisal.doubt import Doubt
from ensemble.appraisal.evidence import Evidence
from ensemble.appraisal.frontier import on_the_frontier
from ensemble.appraisal.predicted_dice import SIGNS
from ensemble.intervals import GAINS, SCORES, bootstrap_groups, known_mean
from ensemble.report.tables import Cell, Table

LEVEL = 0.95

Floats = NDArray[np.float64]


def member_table(found: Appraisal) -> Table:
    """A row a member, and one for all of them together."""
    weights = found.rules.weights.mean(axis=0)
    rows: list[tuple[Cell, ...]] = []
    for m, name in enumerate(found.names):
        alone = _ends(found, known_mean(found.scores.alone[m], 1), limits=SCORES)
        lost = _ends(found, known_mean(found.scores.losses[m], 1), limits=GAINS)
        rows.append((name, *alone, *lost, float(weights[m]), float(found.seconds[m])))
    for name, values in (("uniform", found.scores.uniform), ("ensemble", found.dice)):
        ends = _ends(found, values.mean(axis=1), limits=SCORES)
        rows.append((name, *ends, *[float("nan")] * 3, 1.0, float(found.seconds.sum())))
    header = (
        "member",
        "Dice",
        "low",
        "high",
        "lost without it",
        "low of loss",
        "high of loss",
        "mean weight",
        "s an image",
    )
    formats = dict.fromkeys(header[1:4], ".4f") | dict.fromkeys(header[4:7], "+.4f")
    return Table("members", header, tuple(rows), formats | {"mean weight": ".2f"})


def _ends(
    found: Appraisal, values: Floats, *, limits: tuple[float, float]
) -> tuple[float, float, float]:
    """Mean of values (N,) with the ends of its interval over groups; NaN where a value is."""
    if np.isnan(values).any():
        return (float("nan"),) * 3
    means = bootstrap_groups(
        values[:, None], found.material.groups, level=LEVEL, seed=0, limits=limits
    )
    return float(means.mean[0]), float(means.low[0]), float(means.high[0])


def member_class_dice(found: Appraisal) -> tuple[list[str], Floats]:
    """Names and Dice (M + 2, C): of each member, of all weighing the same, of the ensemble."""
    rows = [*known_mean(found.scores.alone, 1), found.scores.uniform.mean(axis=0)]
    return [*found.names, "uniform", "ensemble"], np.stack([*rows, found.dice.mean(axis=0)])


def member_class_table(found: Appraisal) -> Table:
    """Dice of each member and class, a class a row."""
    names, dice = member_class_dice(found)
    rows = tuple((c, *line) for c, line in zip(found.class_names, dice.T.tolist(), strict=True))
    return Table("members-by-class", ("class", *names), rows, dict.fromkeys(names, ".4f"))


def loss_table(found: Appraisal) -> Table:
    """What each class loses without each member."""
    losses = known_mean(found.scores.losses, 1)
    rows = tuple((c, *line) for c, line in zip(found.class_names, losses.T.tolist(), strict=True))
    formats = dict.fromkeys(found.names, "+.4f")
    return Table("losses-by-class", ("class", *found.names), rows, formats)


def agreement_table(found: Appraisal) -> Table:
    """A row a pair of members: how alike their masks are, and what they gain together."""
    matrix = found.agreement
    rows = tuple(
        (found.names[a], found.names[b], float(matrix[a, b]), float(found.pair_gains[a, b]))
        for a, b in found.pairs
    )
    header = ("member", "with", "Dice of their masks", "gain together")
    formats = {"Dice of their masks": ".4f", "gain together": "+.4f"}
    return Table("agreement", header, rows, formats)


def weight_table(found: Appraisal, evidence: Evidence) -> Table:
    """A row a class: its rule, weights, threshold and filter, and what speaks for them."""
    best, at_best = best_thresholds(found)
    rows: list[tuple[Cell, ...]] = []
    for c, name in enumerate(found.class_names):
        gains = [evidence.of_class(name, "gain_of_tuned", part) for part in ("mean", "low", "high")]
        rows.append(
            (
                name,
                evidence.rules.get(name, "uniform"),
                *(float(weight) for weight in found.rules.weights[c]),
                threshold(found, c),
                str(found.fusion.filters[c]),
                float(found.dice[:, c].mean()),
                *gains,
                evidence.of_class(name, "gain_of_filter", "mean"),
                float(best[c]),
                float(at_best[c]),
            )
        )
    header = (
        "class",
        "rule",
        *(f"weight of {name}" for name in found.names),
        "threshold",
        "filter",
        "Dice",
        "gain of tuned",
        "low",
        "high",
        "gain of filter",
        "best threshold here",
        "Dice there",
    )
    formats = dict.fromkeys(header[2 : 3 + len(found.names)], ".2f")
    formats |= dict.fromkeys(("Dice", "Dice there"), ".4f")
    formats |= dict.fromkeys(("gain of tuned", "low", "high", "gain of filter"), "+.4f")
    return Table("weights", header, tuple(rows), formats | {"best threshold here": ".2f"})


def threshold(found: Appraisal, c: int) -> float:
    """A class's threshold of probabilities; NaN for classes that have none."""
    if found.curves is None:
        return float("nan")
    return float(found.fusion.scale.thresholds(found.rules.thresholds[c : c + 1])[0])


def best_thresholds(found: Appraisal) -> tuple[Floats, Floats]:
    """The threshold (C,) with the highest mean score here, and that score; NaN for none."""
    if found.curves is None:
        nothing = np.full(len(found.class_names), np.nan)
        return nothing, nothing
    best = found.curves.scores.argmax(axis=0)
    return found.curves.thresholds[best], found.curves.scores.max(axis=0)


def curve_table(found: Appraisal) -> Table | None:
    """Mean Dice of each class at each threshold."""
    if found.curves is None:
        return None
    rows = tuple(
        (float(t), *line)
        for t, line in zip(found.curves.thresholds, found.curves.scores.tolist(), strict=True)
    )
    return Table("thresholds", ("threshold", *found.class_names), rows)


def calibration_table(found: Appraisal) -> Table | None:
    """Of each class, bins of fused probability with the share of their pixels that is true."""
    if found.calibration is None:
        return None
    probability, share = found.calibration.curves()
    pixels = found.calibration.pixels
    rows = tuple(
        (name, float(probability[c, b]), float(share[c, b]), round(float(pixels[c, b])))
        for c, name in enumerate(found.class_names)
        for b in np.flatnonzero(pixels[c])
    )
    header = ("class", "mean probability", "true share", "px")
    return Table("calibration", header, rows, dict.fromkeys(header[1:3], ".4f"))


def subset_table(found: Appraisal) -> Table:
    """Ensembles of some members, the best first."""
    best = {each.name for each in on_the_frontier(found.subsets)}
    rows = tuple(
        (each.name, each.score, each.seconds, "yes" if each.name in best else "")
        for each in sorted(found.subsets, key=lambda one: -one.score)
    )
    header = ("members", "Dice", "s an image", "none is faster and better")
    return Table("subsets", header, rows, {"Dice": ".4f"})


def doubt_table(found: Appraisal, doubt: Doubt, name: str, dice: Floats | None = None) -> Table:
    """Images as they should be reviewed, and the class of each that is the most doubtful."""
    rows: list[tuple[Cell, ...]] = []
    for i in doubt.order():
        worst = int(doubt.predicted[i].argmin())
        known = () if dice is None else (float(dice[i].mean()),)
        rows.append(
            (
                doubt.samples[i].name,
                float(doubt.predicted[i].mean()),
                *known,
                found.class_names[worst],
                float(doubt.predicted[i, worst]),
                *(() if doubt.novelty is None else (float(doubt.novelty[i]),)),
            )
        )
    header = ("image", "predicted Dice", *(() if dice is None else ("Dice",)), "most doubtful")
    header += ("its predicted Dice", *(() if doubt.novelty is None else ("novelty",)))
    formats = dict.fromkeys(("predicted Dice", "Dice", "its predicted Dice"), ".4f")
    return Table(name, header, tuple(rows), formats | {"novelty": ".2f"})


def sign_table(found: Appraisal, doubt: Doubt, name: str, dice: Floats | None = None) -> Table:
    """A row an image and class: what is predicted of it, and from which signs."""
    rows = tuple(
        (
            sample.name,
            class_name,
            float(doubt.predicted[i, c]),
            *(() if dice is None else (float(dice[i, c]),)),
            int(doubt.areas_px[i, c]),
            *(float(sign) for sign in doubt.signs[i, c]),
        )
        for i, sample in enumerate(doubt.samples)
        for c, class_name in enumerate(found.class_names)
    )
    known = () if dice is None else ("Dice",)
    return Table(name, ("image", "class", "predicted Dice", *known, "area px", *SIGNS), rows)
