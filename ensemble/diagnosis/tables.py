"""The figures of a diagnosis as tables, which the page shows in part and the CSV files hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.diagnosis.diagnosis import Diagnosis
from ensemble.intervals import known_mean
from ensemble.report.tables import Cell, Table

NO_CLASS = "(nothing)"
VERDICTS = ("right", "missed", "extra", "another class")

Floats = NDArray[np.float64]

_SCORE = ".4f"
_PX = ".2f"


def all_tables(found: Diagnosis) -> list[Table]:
    """Every table that the data fill."""
    tables = [class_table(found), image_table(found), mask_table(found), dice_table(found)]
    tables += [confusion_table(found), overlap_table(found)]
    return tables if found.by_person is None else [*tables, person_table(found)]


def class_table(found: Diagnosis) -> Table:
    """A class a row, the lowest Dice first."""
    scores, counts = found.scores, found.counts
    interval = scores.class_intervals()
    none = np.full(len(scores.class_names), np.nan)
    is_true, is_predicted = counts[..., 2] > 0, counts[..., 0] > 0
    figures = (
        scores.per_class,
        none if interval is None else interval.low,
        none if interval is None else interval.high,
        np.median(scores.dice, axis=0),
        scores.dice.min(axis=0),
        found.iou.mean(axis=0),
        known_mean(found.precision),
        known_mean(found.recall),
        known_mean(found.surface_px[..., 0]),
        known_mean(found.surface_px[..., 1]),
    )
    tallies = (is_true, is_true & ~is_predicted, is_predicted & ~is_true)
    rows: list[tuple[Cell, ...]] = [
        (
            scores.class_names[c],
            *(float(figure[c]) for figure in figures),
            *(int(tally[:, c].sum()) for tally in tallies),
        )
        for c in worst_classes(found)
    ]
    header = (
        *("class", "Dice", "low", "high", "median", "worst", "IoU", "precision", "recall"),
        *("distance px", "95 % px"),
        *("images", "missed whole", "invented"),
    )
    formats = dict.fromkeys(header[1:9], _SCORE) | dict.fromkeys(header[9:11], _PX)
    return Table("classes", header, tuple(rows), formats)


def image_table(found: Diagnosis) -> Table:
    """An image a row, the lowest Dice first: its worst class, and its pixels by verdict."""
    scores = found.scores
    means = scores.dice.mean(axis=1)
    verdicts, overlaps = verdict_shares(found.verdicts[:, 0]), verdict_shares(found.verdicts[:, 1])
    rows: list[tuple[Cell, ...]] = []
    for i in worst_images(found):
        worst = int(scores.dice[i].argmin())
        rows.append(
            (
                *(scores.image_names[i], scores.groups[i], float(means[i])),
                *(scores.class_names[worst], float(scores.dice[i, worst])),
                float(known_mean(found.surface_px[i, :, :1])[0]),
                *(100 * verdicts[i]).tolist(),
                float(100 * overlaps[i, 0]),
            )
        )
    shares = tuple(f"{word} %" for word in VERDICTS)
    header = ("image", "group", "Dice", "worst class", "its Dice", "distance px", *shares)
    formats = {"Dice": _SCORE, "its Dice": _SCORE, "distance px": _PX}
    formats |= dict.fromkeys((*shares, "overlaps right %"), ".1f")
    return Table("images", (*header, "overlaps right %"), tuple(rows), formats)


def mask_table(found: Diagnosis) -> Table:
    """An image and class a row, with all that is known of its mask."""
    scores = found.scores
    precision, recall, iou = found.precision, found.recall, found.iou
    rows: list[tuple[Cell, ...]] = [
        (
            *(image, name, float(scores.dice[i, c]), float(iou[i, c])),
            *(float(precision[i, c]), float(recall[i, c])),
            *found.counts[i, c, [2, 0, 1]].tolist(),
            *found.surface_px[i, c].tolist(),
        )
        for i, image in enumerate(scores.image_names)
        for c, name in enumerate(scores.class_names)
    ]
    header = ("image", "class", "Dice", "IoU", "precision", "recall", "true px", "predicted px")
    return Table("masks", (*header, "both px", "distance px", "95 % px"), tuple(rows))


def dice_table(found: Diagnosis) -> Table:
    """Dice, an image a row and a class a column."""
    scores = found.scores
    rows = [
        (name, *row.tolist()) for name, row in zip(scores.image_names, scores.dice, strict=True)
    ]
    return Table("dice", ("image", *scores.class_names), tuple(rows))


def confusion_table(found: Diagnosis) -> Table:
    """A pair of a missed and an extra class a row, the most pixels first."""
    names = (*found.scores.class_names, NO_CLASS)
    wrong = found.confusion.copy()
    np.fill_diagonal(wrong, 0)
    true_px = np.append(found.counts[..., 2].sum(axis=0), 0)
    pairs = np.argwhere(wrong)
    pairs = pairs[np.argsort(-wrong[tuple(pairs.T)], kind="stable")]
    rows: list[tuple[Cell, ...]] = [
        (
            *(names[a], names[b], int(wrong[a, b])),
            100 * float(wrong[a, b]) / float(true_px[a]) if true_px[a] else np.nan,
        )
        for a, b in pairs.tolist()
    ]
    header = ("true class", "predicted as", "px", "% of the true class")
    return Table("confusion", header, tuple(rows), {header[3]: ".2f"})


def overlap_table(found: Diagnosis) -> Table:
    """Two classes that share pixels a row, and how well the shared pixels are met."""
    names = found.scores.class_names
    true, predicted, both = found.shared
    pairs = np.argwhere(np.triu(true + predicted, 1))
    pairs = pairs[np.argsort(-true[tuple(pairs.T)], kind="stable")]
    rows: list[tuple[Cell, ...]] = [
        (
            *(names[a], names[b], int(true[a, b]), int(predicted[a, b]), int(both[a, b])),
            float(2 * both[a, b] / (true[a, b] + predicted[a, b])),
        )
        for a, b in pairs.tolist()
    ]
    header = ("class", "other class", "true px", "predicted px", "both px", "Dice of the shared px")
    return Table("overlaps", header, tuple(rows), {header[5]: _SCORE})


def person_table(found: Diagnosis) -> Table:
    """A group of persons a row."""
    rows = [
        (g.column, g.name, len(g.images), g.num_persons, g.dice, g.low, g.high)
        for g in found.by_person or ()
    ]
    header = ("column", "group", "images", "persons", "Dice", "low", "high")
    return Table("persons", header, tuple(rows), dict.fromkeys(header[4:], _SCORE))


def worst_classes(found: Diagnosis) -> list[int]:
    """Classes by their Dice, the lowest first."""
    return _rising(found.scores.per_class)


def worst_images(found: Diagnosis) -> list[int]:
    """Images by their mean Dice over classes, the lowest first."""
    return _rising(found.scores.dice.mean(axis=1))


def _rising(values: Floats) -> list[int]:
    return [int(index) for index in np.argsort(values, kind="stable")]


def verdict_shares(verdicts: NDArray[np.int64]) -> Floats:
    """(..., 4) as shares of those that have a class in truth or prediction; NaN where none has."""
    total = verdicts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, verdicts / np.maximum(total, 1), np.nan)
