"""What tuning found, in plain types: for per-class.json, for the console, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion.weights_file import write_weights
from ensemble.intervals import GAINS, SCORES, Interval, bootstrap_groups
from ensemble.runs.filters import NO_FILTER
from ensemble.tuning.choice import GAIN_LEVEL
from ensemble.tuning.notes import notes
from ensemble.tuning.result import TuningResult
from ensemble.tuning.shift import Shift


def write_result(result: TuningResult) -> None:
    """Write the weights with the evidence for them."""
    names = result.weights.class_names
    evidence = class_evidence(result)
    write_weights(
        result.path,
        result.weights,
        rules=[result.rule(name) for name in names],
        class_evidence=[evidence[name] for name in names],
        evidence=overall_evidence(result),
    )


def class_evidence(result: TuningResult) -> dict[str, dict[str, Any]]:
    """By class: out-of-fold scores under each candidate, and tuned's gain over the simple rule.

    Both with intervals over groups; a class without labels has no evidence.
    """
    validation = result.validation
    scores = {
        name: _over_groups(result, values, SCORES) for name, values in _scores(result).items()
    }
    evidence: dict[str, dict[str, Any]] = {name: {} for name in result.weights.class_names}
    for c, name in enumerate(result.plan.names):
        evidence[name] = {
            "score": {candidate: _entry(interval, c) for candidate, interval in scores.items()},
            "images_with_class": int(validation.num_seen[c]),
        }
        if validation.choice.gain is not None:
            evidence[name]["gain_of_tuned"] = _entry(validation.choice.gain, c)
        if result.filters is not None:
            evidence[name]["gain_of_filter"] = _entry(result.filters.gain, c)
    return evidence


def overall_evidence(result: TuningResult) -> dict[str, Any]:
    """The metric, mean over images, then classes, and gains, both with intervals over groups."""
    validation = result.validation
    scores = _scores(result)
    gains = {"simple_over_best_single": scores[validation.choice.simple] - scores["best_single"]}
    if validation.kept is not None:
        gains["kept_over_best_single"] = validation.kept - scores["best_single"]
        gains["kept_over_uniform"] = validation.kept - scores["uniform"]
    if result.filters is not None:
        gains["filters_over_none"] = result.filters.kept - result.filters.plain
    return {
        "metric": str(result.metric),
        "score": {name: _mean_entry(result, values, SCORES) for name, values in scores.items()},
        "gains": {name: _mean_entry(result, values, GAINS) for name, values in gains.items()},
        "simple_rule": validation.choice.simple,
        "best_single": result.best_single,
        "tuned_classes": int(validation.choice.tuned.sum()),
        "filtered_classes": num_filtered(result),
        "images": len(result.groups),
        "groups": len(set(result.groups)),
        "folds": int(validation.folds.max()) + 1,
        "seed": result.seed,
        "interval_level": GAIN_LEVEL,
        "matched": _matched(result.shift),
        "members": member_evidence(result),
        "variants": variant_evidence(result),
        "notes": notes(result),
    }


def _matched(shift: Shift | None) -> dict[str, Any]:
    if shift is None:
        return {}
    return {"folder": shift.folder, "effective_images": round(shift.effective_images, 1)}


def member_evidence(result: TuningResult) -> list[dict[str, Any]]:
    """What each member that was looked at is worth, the first to join first."""
    worth = result.worth
    if worth is None:
        return []
    along = worth.path_interval(result.groups, seed=result.seed)
    entries = []
    for m in sorted(range(len(result.candidates)), key=lambda m: _place(worth.path, m)):
        name, place = result.candidates[m], _place(worth.path, m)
        entry: dict[str, Any] = {
            "name": name,
            "alone": _round(worth.alone[m]),
            "seconds_an_image": round(float(worth.seconds[m]), 4),
            "taken": name in result.source_names,
        }
        if worth.loss_without is not None:
            entry["loss_without"] = _entry(worth.loss_without, m)
        if place < len(worth.path):
            entry["joined"] = place + 1
            entry["score_then"] = _entry(along, place)
        entries.append(entry)
    return entries


def variant_evidence(result: TuningResult) -> list[dict[str, Any]]:
    """What each variant of views and space gives when all members weigh the same."""
    choice = result.variants
    if choice is None:
        return []
    gains = choice.gains(result.groups, seed=result.seed)
    return [
        {
            "views": variant.views,
            "space": variant.space,
            "score": _round(choice.scores[v].mean()),
            "gain": _entry(gains, v),
            "seconds_an_image": round(float(choice.seconds[v]), 4),
            "kept": v == choice.kept,
        }
        for v, variant in enumerate(choice.variants)
    ]


def _place(path: Sequence[int], member: int) -> int:
    """Where a member stands on a path; at its end if it does not."""
    return path.index(member) if member in path else len(path)


def num_filtered(result: TuningResult) -> int:
    """How many classes have a filter."""
    return sum(each != NO_FILTER for each in result.weights.filters)


def _scores(result: TuningResult) -> dict[str, NDArray[np.float64]]:
    """Scores (N, C) of every candidate and, where it could be scored, of what is kept."""
    scores = {str(name): values for name, values in result.validation.scores.items()}
    if result.validation.kept is not None:
        scores["kept"] = result.validation.kept
    return scores


def _over_groups(
    result: TuningResult, values: NDArray[np.float64], limits: tuple[float, float]
) -> Interval:
    return bootstrap_groups(
        values, result.groups, level=GAIN_LEVEL, seed=result.seed, limits=limits
    )


def _mean_entry(
    result: TuningResult, values: NDArray[np.float64], limits: tuple[float, float]
) -> dict[str, float]:
    return _entry(_over_groups(result, values.mean(axis=1, keepdims=True), limits), 0)


def _entry(interval: Interval, index: int) -> dict[str, float]:
    return {
        "mean": _round(interval.mean[index]),
        "low": _round(interval.low[index]),
        "high": _round(interval.high[index]),
    }


def _round(value: float) -> float:
    return round(float(value), 5)
