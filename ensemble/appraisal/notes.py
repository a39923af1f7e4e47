"""What stands out in an appraisal, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ensemble.appraisal.appraisal import Appraisal
from ensemble.appraisal.evidence import Evidence
from ensemble.appraisal.frontier import on_the_frontier
from ensemble.appraisal.sections.review import trust_text, unlike_text
from ensemble.appraisal.tables import best_thresholds, member_table, threshold
from ensemble.errors import few
from ensemble.intervals import known_mean
from ensemble.report.blocks import Remark

# An ensemble with a lower mean Dice says little about anything.
_WEAK = 0.2
# Masks of two members that are this alike: one of them may be enough.
_ALIKE = 0.97
# A class is worth a word if a member alone, or another threshold, is better by so much.
_BETTER = 0.01
# An ensemble of fewer members is worth a word if it gives up so little for half of the time.
_LITTLE = 0.002
_HALF = 0.6


def take_notes(found: Appraisal, evidence: Evidence) -> list[Remark]:
    """Remarks, the heaviest first."""
    return [
        *_weakness(found),
        *_optimism(found, evidence),
        *_harm(found),
        *_alike(found),
        *_better_alone(found),
        *_thresholds(found),
        *_cheaper(found),
        *_unlike(found),
        Remark("fact", trust_text(found), "trust"),
    ]


def _weakness(found: Appraisal) -> Iterator[Remark]:
    """Members that found little, of which all figures say little."""
    mean = float(found.dice.mean())
    if mean < _WEAK:
        text = (
            f"The ensemble finds little (mean Dice {mean:.4f}): members have "
            "hardly learnt yet, and neither weights nor doubt mean much."
        )
        yield Remark("wrong", text, "members")


def _optimism(found: Appraisal, evidence: Evidence) -> Iterator[Remark]:
    """How the Dice here compares with the one out of fold."""
    if np.isfinite(evidence.out_of_fold):
        text = (
            f"Dice is {found.dice.mean():.4f} on these images; tuning states {evidence.metric} "
            f"{evidence.out_of_fold:.4f} out of fold. If these are the images that weights were "
            "tuned on, expect the latter on new ones."
        )
        yield Remark("fact", text, "members")


def _harm(found: Appraisal) -> Iterator[Remark]:
    """Members without which the ensemble is surely better."""
    if len(found.names) < 2:
        return
    content = member_table(found)
    column = content.header.index("high of loss")
    for name, row in zip(found.names, content.rows, strict=False):
        high = float(row[column])
        if high < 0:
            text = f"{name} harms: the 95 % interval of what is lost without it ends at {high:.4f}."
            yield Remark("wrong", text, "members")


def _alike(found: Appraisal) -> Iterator[Remark]:
    matrix = found.agreement
    for a, b in found.pairs:
        if matrix[a, b] > _ALIKE:
            both = f"{found.names[a]} and {found.names[b]}"
            text = f"{both} draw nearly the same masks: Dice {matrix[a, b]:.4f}."
            yield Remark("look", text, "agreement")


def _better_alone(found: Appraisal) -> Iterator[Remark]:
    """Classes that a member draws better alone."""
    alone = known_mean(found.scores.alone, 1)
    best = np.nanmax(alone, axis=0)
    gains = best - found.dice.mean(axis=0)
    worse = np.flatnonzero(gains > _BETTER)
    if len(worse):
        order = worse[np.argsort(-gains[worse], kind="stable")]
        names = [
            f"{found.class_names[c]} ({found.names[int(np.nanargmax(alone[:, c]))]} {best[c]:.4f})"
            for c in order
        ]
        text = f"A member alone is better by more than {_BETTER:g} here: {few(names)}."
        yield Remark("look", text, "members")


def _thresholds(found: Appraisal) -> Iterator[Remark]:
    """Classes whose best threshold here lies elsewhere and gains."""
    if found.curves is None:
        return
    best, at_best = best_thresholds(found)
    gains = at_best - found.scores.together.mean(axis=0)
    names = [
        f"{found.class_names[c]} ({threshold(found, c):.2f}, best {best[c]:.2f})"
        for c in np.argsort(-gains, kind="stable")
        if gains[c] > _BETTER
    ]
    if names:
        text = f"Another threshold gains more than {_BETTER:g} on these images: {few(names)}."
        yield Remark("look", text, "thresholds")


def _unlike(found: Appraisal) -> Iterator[Remark]:
    """Images for review of which labelled ones tell nothing."""
    if found.review is not None and (text := unlike_text(found.review)):
        yield Remark("look", text, "review")


def _cheaper(found: Appraisal) -> Iterator[Remark]:
    """An ensemble that gives up little for much less time."""
    everyone = max(found.subsets, key=lambda each: each.seconds)
    for each in on_the_frontier(found.subsets):
        if each.score > everyone.score - _LITTLE and each.seconds < _HALF * everyone.seconds:
            text = (
                f"{each.name} alone: Dice {each.score:.4f} in {each.seconds:.3g} s an image, all "
                f"{everyone.score:.4f} in {everyone.seconds:.3g} s, weighing the same."
            )
            yield Remark("look", text, "frontier")
            return
