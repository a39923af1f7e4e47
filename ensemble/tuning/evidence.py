"""What tuning found, in plain types: for per-class.json, for the console, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.intervals import Interval, bootstrap_groups
from ensemble.tuning.class_plan import ClassPlan
from ensemble.tuning.cross_validation import GAIN_LEVEL, CrossValidation
from ensemble.weights import FusionWeights, write_weights

UNLABELLED = "uniform (not labelled)"


@dataclass(frozen=True, slots=True)
class TuningResult:
    """The weights, for all classes of the members, and how the labelled ones (`plan`) fared."""

    path: Path
    weights: FusionWeights
    plan: ClassPlan
    validation: CrossValidation
    groups: Sequence[str]
    seed: int

    @property
    def best_single(self) -> str:
        """The member that is best alone, on all images."""
        weights = self.validation.candidates["best_single"].weights
        return self.weights.members[int(weights.sum(axis=0).argmax())]

    def rule(self, class_name: str) -> str:
        """What a class keeps: tuned, or the simple rule; uniform where there are no labels."""
        if class_name not in self.plan.names:
            return UNLABELLED
        choice = self.validation.choice
        return "tuned" if choice.tuned[self.plan.names.index(class_name)] else choice.simple


def write_result(result: TuningResult) -> None:
    """Write the weights with the evidence for them."""
    names = result.weights.class_names
    write_weights(
        result.path,
        result.weights,
        rules=[result.rule(name) for name in names],
        class_evidence=[class_evidence(result, name) for name in names],
        evidence=overall_evidence(result),
    )


def class_evidence(result: TuningResult, class_name: str) -> dict[str, Any]:
    """Out-of-fold Dice of a class under each candidate, and tuned's gain over the simple rule."""
    if class_name not in result.plan.names:
        return {}
    c = result.plan.names.index(class_name)
    validation = result.validation
    evidence: dict[str, Any] = {
        "dice": {name: _round(scores[:, c].mean()) for name, scores in validation.scores.items()},
        "images_with_class": int(validation.num_seen[c]),
    }
    if validation.kept is not None:
        evidence["dice"]["kept"] = _round(validation.kept[:, c].mean())
    if validation.choice.gain is not None:
        evidence["gain_of_tuned"] = _interval(validation.choice.gain, c)
    return evidence


def overall_evidence(result: TuningResult) -> dict[str, Any]:
    """Mean Dice over images, then classes, and gains with intervals over groups."""
    validation = result.validation
    scores = {str(name): values for name, values in validation.scores.items()}
    simple = scores[validation.choice.simple]
    gains = {"simple_over_best_single": simple - scores["best_single"]}
    if validation.kept is not None:
        scores["kept"] = validation.kept
        gains["kept_over_best_single"] = validation.kept - scores["best_single"]
        gains["kept_over_uniform"] = validation.kept - scores["uniform"]
    return {
        "dice": {name: _round(values.mean()) for name, values in scores.items()},
        "gains": {name: _overall_gain(result, values) for name, values in gains.items()},
        "simple_rule": validation.choice.simple,
        "best_single": result.best_single,
        "tuned_classes": int(validation.choice.tuned.sum()),
        "images": len(result.groups),
        "groups": len(set(result.groups)),
        "folds": int(validation.folds.max()) + 1,
        "seed": result.seed,
        "interval_level": GAIN_LEVEL,
        "notes": notes(result),
    }


def notes(result: TuningResult) -> list[str]:
    """What a reader of the figures must know, in sentences."""
    lines = [
        "Dice is out of fold: every image was scored by a fit that saw no image of its group.",
        "A class is tuned only if the lower end of the interval of its gain is above 0.",
    ]
    if result.validation.kept is None:
        lines.append(
            "With two groups the choice could not be scored on groups that it did not see: the "
            "Dice of the chosen rule is that of the folds on which it was chosen."
        )
    else:
        lines.append(
            "The Dice of what is kept is nested: for each fold the choice was made without it."
        )
    if result.plan.exclusive:
        lines.append(
            "Exclusive classes share one weight vector; tuning per class is for overlapping ones."
        )
    return lines


def summary(result: TuningResult) -> str:
    """One sentence: what was kept, and why."""
    choice = result.validation.choice
    score = f"{result.validation.scores[choice.simple].mean():.4f}"
    line = f"{choice.simple} is the best simple rule (Dice {score} out of fold)"
    if choice.gain is None:
        return f"{line} and is kept for all classes: exclusive classes share one weight vector."
    tuned, total = int(choice.tuned.sum()), len(result.plan.names)
    if tuned == 0:
        return f"{line} and is kept for all classes: no class gains from rules of its own for sure."
    return (
        f"{line} and is kept for {total - tuned} of {total} classes; {tuned} gain from rules of "
        f"their own for sure (lower end of the {GAIN_LEVEL:.0%} interval above 0)."
    )


def _overall_gain(result: TuningResult, differences: NDArray[np.float64]) -> dict[str, float]:
    per_image = differences.mean(axis=1, keepdims=True)
    interval = bootstrap_groups(per_image, result.groups, level=GAIN_LEVEL, seed=result.seed)
    return _interval(interval, 0)


def _interval(interval: Interval, index: int) -> dict[str, float]:
    return {
        "mean": _round(interval.mean[index]),
        "low": _round(interval.low[index]),
        "high": _round(interval.high[index]),
    }


def _round(value: float) -> float:
    return round(float(value), 5)
