"""What tuning found, in plain types: for per-class.json, for the console, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion.weights import FusionWeights, write_weights
from ensemble.intervals import Interval, bootstrap_groups
from ensemble.metrics import DICE, Metric
from ensemble.runs.filters import NO_FILTER
from ensemble.tuning.choice import GAIN_LEVEL
from ensemble.tuning.class_plan import ClassPlan
from ensemble.tuning.cross_validation import CrossValidation
from ensemble.tuning.filter_choice import FilterChoice
from ensemble.tuning.member_choice import MemberChoice
from ensemble.tuning.rules import DEFAULT_THRESHOLD, spread
from ensemble.tuning.shift import Shift
from ensemble.tuning.sources import Source
from ensemble.tuning.variants import VariantChoice
from ensemble.wording import counted

# A bootstrap over fewer groups than this draws intervals that are too narrow to be trusted.
FEW_GROUPS = 10
UNLABELLED = "uniform (not labelled)"


@dataclass(frozen=True, slots=True)
class TuningResult:
    """The weights, for all classes of the members, and how the labelled ones (`plan`) fared.

    `sources`: the members that share a weight; `candidates` (M,): all that were looked at, of which
    `worth` tells.
    """

    path: Path
    weights: FusionWeights
    plan: ClassPlan
    validation: CrossValidation
    groups: Sequence[str]
    seed: int
    filters: FilterChoice | None = None
    sources: tuple[Source, ...] = ()
    candidates: tuple[str, ...] = ()
    worth: MemberChoice | None = None
    variants: VariantChoice | None = None
    metric: Metric = DICE
    shift: Shift | None = None

    @property
    def best_single(self) -> str:
        """The member that is best alone, on all images."""
        weights, present = self.validation.candidates["best_single"].weights, self.plan.present
        singles = (spread(one, DEFAULT_THRESHOLD, present) for one in np.eye(present.shape[1]))
        return self.source_names[
            int(np.argmin([np.abs(single.weights - weights).sum() for single in singles]))
        ]

    @property
    def source_names(self) -> tuple[str, ...]:
        """What the weights are of: members, or families of them."""
        return tuple(source.name for source in self.sources) or self.weights.members

    @property
    def source_weights(self) -> NDArray[np.float64]:
        """(S, C): what the members of each source weigh together."""
        sizes = [len(source.members) for source in self.sources] or [1] * len(self.weights.members)
        return np.add.reduceat(self.weights.weights, np.cumsum([0, *sizes[:-1]]), axis=0)

    def rule(self, class_name: str) -> str:
        """What a class keeps: the simple rule, or how far from it it goes; uniform unlabelled."""
        if class_name not in self.plan.names:
            return UNLABELLED
        choice = self.validation.choice
        share = choice.shares[self.plan.names.index(class_name)]
        return choice.simple if share == 0 else f"tuned {share:.0%}"


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
    scores = {name: _over_groups(result, values) for name, values in _scores(result).items()}
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
        "score": {name: _mean_entry(result, values) for name, values in scores.items()},
        "gains": {name: _mean_entry(result, values) for name, values in gains.items()},
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


def notes(result: TuningResult) -> list[str]:
    """What a reader of the figures must know, in sentences."""
    lines = [
        f"{result.metric} is out of fold: an image was scored by a fit that saw none of its group.",
        f"From low to high is the {GAIN_LEVEL:.0%} interval of a mean, drawn over groups.",
        *_choice_notes(result.validation),
    ]
    if (shift := result.shift) is not None:
        lines.append(
            f"Images count by how much they resemble those of {shift.folder}: {len(result.groups)} "
            f"are as good a sample as {shift.effective_images:.0f} that count the same."
            if shift.is_found
            else f"Images count the same: nothing tells them from those of {shift.folder}."
        )
    if any(len(source.members) > 1 for source in result.sources):
        lines.append(
            "Every image was answered by members that did not learn from it, though their best "
            "epoch was chosen on it; the members of one name share its weight."
        )
    if result.variants is not None and len(result.variants.variants) > 1:
        lines.append(
            "Of views and spaces the first is kept unless another surely gains; all members weigh "
            "the same there. They were chosen on these images, once: that is not nested."
        )
    if result.worth is not None:
        lines.append(
            "Members join one after the other, each time the one that helps most, and weigh the "
            "same; the score then is that of such a path on groups that it did not see."
        )
        if set(result.source_names) < set(result.candidates):
            lines.append(
                "The members that are taken were chosen on all of these images: for what the "
                "choice is worth read the score then, not that of what is kept."
            )
    if result.filters is not None:
        lines.append("A class has a filter where its masks surely gain from it.")
    if (num_groups := len(set(result.groups))) < FEW_GROUPS:
        lines.append(
            f"There are only {num_groups} groups: with fewer than {FEW_GROUPS} intervals are too "
            "narrow, and a gain may be chance."
        )
    if result.plan.exclusive:
        lines.append(
            "Exclusive classes share one weight vector; tuning per class is for overlapping ones."
        )
    return lines


def _choice_notes(validation: CrossValidation) -> list[str]:
    if validation.is_raw:
        return ["Every class has its own optimum, as was asked for, whether that gains or not."]
    tuned = "A class goes as far from the simple rule to its own optimum as that surely gains."
    nested = "The score of what is kept is nested: for each fold the choice was made without it."
    if validation.kept is None:
        nested = (
            "With two groups the choice could not be scored on groups that it did not see: the "
            "score of the chosen rule is that of the folds on which it was chosen."
        )
    simple = "All members weigh the same, unless one vector or a single member surely gains by it."
    return [simple, nested] if validation.choice.gain is None else [simple, tuned, nested]


def summary(result: TuningResult) -> str:
    """One sentence: what was kept, and why."""
    choice = result.validation.choice
    score = f"{result.validation.scores[choice.simple].mean():.4f}"
    line = f"{choice.simple} is the simple rule ({result.metric} {score} out of fold)"
    if choice.gain is None:
        return f"{line} and is kept for all classes: exclusive classes share one weight vector."
    tuned, total = int(choice.tuned.sum()), len(result.plan.names)
    if result.validation.is_raw:
        raw = f"{result.metric} {result.validation.scores['tuned'].mean():.4f}"
        return f"{line}; every class has its own optimum instead, as was asked for ({raw})."
    if tuned == 0:
        return f"{line} and is kept for all classes: no class surely gains from rules of its own."
    return (
        f"{line} and is kept for {total - tuned} of {total} classes; {tuned} gain from rules of "
        f"their own (lower end of the {GAIN_LEVEL:.0%} interval over "
        f"{counted(len(set(result.groups)), 'group')} above 0)."
    )


def _scores(result: TuningResult) -> dict[str, NDArray[np.float64]]:
    """Scores (N, C) of every candidate and, where it could be scored, of what is kept."""
    scores = {str(name): values for name, values in result.validation.scores.items()}
    if result.validation.kept is not None:
        scores["kept"] = result.validation.kept
    return scores


def _over_groups(result: TuningResult, values: NDArray[np.float64]) -> Interval:
    return bootstrap_groups(values, result.groups, level=GAIN_LEVEL, seed=result.seed)


def _mean_entry(result: TuningResult, values: NDArray[np.float64]) -> dict[str, float]:
    return _entry(_over_groups(result, values.mean(axis=1, keepdims=True)), 0)


def _entry(interval: Interval, index: int) -> dict[str, float]:
    return {
        "mean": _round(interval.mean[index]),
        "low": _round(interval.low[index]),
        "high": _round(interval.high[index]),
    }


def _round(value: float) -> float:
    return round(float(value), 5)
