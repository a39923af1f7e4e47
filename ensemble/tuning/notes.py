"""What a reader of tuning's figures must know, in sentences."""

from __future__ import annotations

from ensemble.tuning.choice import GAIN_LEVEL
from ensemble.tuning.cross_validation import CrossValidation
from ensemble.tuning.result import TuningResult
from ensemble.wording import counted

# A bootstrap over fewer groups than this draws intervals that are too narrow to be trusted.
FEW_GROUPS = 10


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
