"""What is known of an ensemble: one pass over labelled images, and figures of it as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.appraisal.curves import (
    THRESHOLDS,
    Calibration,
    ThresholdCurves,
    calibrate,
    threshold_curves,
)
from ensemble.appraisal.doubt import Doubt, doubt_labelled, doubt_others
from ensemble.appraisal.frontier import Candidate, pair_gains, score_subsets
from ensemble.appraisal.look import FusionPlan, Look, Looker
from ensemble.appraisal.member_scores import MemberScores, score_members
from ensemble.bit_planes import Label
from ensemble.data.datasets import ImageFolder, LabelledFolder, Sample
from ensemble.dice import image_counts
from ensemble.fusion.soft_maps import CACHE_FOLDER, MapScale, SoftMapCache
from ensemble.fusion.weights import FusionWeights
from ensemble.images.reading import image_size
from ensemble.intervals import known_mean
from ensemble.metrics import DICE
from ensemble.progress import Progress, silent
from ensemble.runs.filters import NO_FILTER, ClassFilter
from ensemble.tuning.candidates import Statistic
from ensemble.tuning.class_plan import ClassMaps, ClassPlan, plan_classes
from ensemble.tuning.fusion_rules import fusion_rules
from ensemble.tuning.material import Material, gather
from ensemble.tuning.rules import Rules, ThresholdRange
from ensemble.tuning.sources import Source
from ensemble.tuning.statistic import TupleStatistic
from ensemble.tuning.stored_maps import StoredMaps

# Beside the thresholds of a weights file, which holds six digits.
_ROUNDING = 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """`cache`: of soft maps. `views`: others to be scored, as `--tta` takes them. `review`: images
    without labels, to be ranked by predicted Dice; members of folds cannot answer them.
    """

    cache: Path = CACHE_FOLDER
    views: tuple[str, ...] = ()
    review: ImageFolder | None = None


@dataclass(frozen=True, slots=True)
class ViewScore:
    """Scores (N, C) of the ensemble under some views, without filters, and seconds an image."""

    views: str
    scores: Floats
    seconds: float


@dataclass(frozen=True, slots=True)
class Appraisal:
    """M sources on N images and C classes.

    `counts` (N, C, 3): predicted area, intersection, true area of the masks as they are written,
    filters and all; `dice` (N, C) of them. `pair_dice` (P, N, C): of the masks of two members, NaN
    where one lacks the class; `pair_gains` (M, M). `curves` and `calibration` are None for
    exclusive classes. `seconds` (M,) an image. `view_scores`: of other views. `review`: images
    without labels, None if none were given.
    """

    material: Material
    weights: FusionWeights
    rules: Rules
    counts: NDArray[np.int64]
    scores: MemberScores
    pairs: tuple[tuple[int, int], ...]
    pair_dice: Floats
    pair_gains: Floats
    curves: ThresholdCurves | None
    calibration: Calibration | None
    subsets: tuple[Candidate, ...]
    seconds: Floats
    view_scores: tuple[ViewScore, ...]
    doubt: Doubt
    review: Doubt | None
    fusion: FusionPlan = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """(M,): what the weights are of."""
        return tuple(source.name for source in self.material.sources)

    @property
    def class_names(self) -> tuple[str, ...]:
        """(C,)."""
        return self.material.plan.names

    @property
    def data(self) -> LabelledFolder:
        """The labelled images."""
        return self.material.data

    @property
    def dice(self) -> Floats:
        """(N, C): graded Dice."""
        return DICE.scores(self.counts)

    @property
    def agreement(self) -> Floats:
        """(M, M): mean Dice between the masks of two members, 1 on the diagonal.

        NaN for two that know no class together.
        """
        matrix = np.eye(len(self.names))
        for (a, b), values in zip(self.pairs, self.pair_dice, strict=True):
            matrix[a, b] = matrix[b, a] = known_mean(values.reshape(-1), 0)
        return matrix


def appraise(
    data: LabelledFolder,
    sources: Sequence[Source],
    weights: FusionWeights,
    asked: Asked | None = None,
    *,
    progress: Progress = silent,
) -> Appraisal:
    """Look at every labelled image once, under the views and space of the weights.

    Soft maps come from the cache, and are computed where it lacks them.
    """
    asked = asked or Asked()
    stored = StoredMaps(sources, weights.views, SoftMapCache(asked.cache), space=weights.space)
    plan = plan_classes([source.members[0] for source in sources], data.classes)
    rules = fusion_rules(weights, sources, plan, stored.scale)
    fusion = FusionPlan(plan, rules, _filters(weights, plan), stored.scale)
    seen: list[_Seen] = []

    def watch(_: Sample, label: Label, maps: Iterable[ClassMaps]) -> Iterable[ClassMaps]:
        looker = Looker(fusion, label.size)
        yield from looker.watch(maps)
        seen.append(_Seen.of(looker.look(), label, plan.bits))

    thresholds = _range(weights.thresholds)
    material = gather(data, stored, thresholds, watch=watch, progress=progress)
    statistic = material.statistic
    curves, calibration = _curves(statistic, rules, stored.scale)
    counts = np.stack([each.counts for each in seen])
    dice = DICE.scores(counts)
    doubt, fitted = doubt_labelled(data.samples, *_signs(seen), dice)
    review = None
    if asked.review is not None:
        looks = _look_at_others(asked.review, stored, fusion, progress)
        review = doubt_others(asked.review.samples, *looks, fitted, doubt, progress)
    return Appraisal(
        material=material,
        weights=weights,
        rules=rules,
        counts=counts,
        scores=score_members(statistic, rules),
        pairs=tuple(combinations(range(len(sources)), 2)),
        pair_dice=np.stack([each.pair_dice for each in seen], axis=1),
        pair_gains=pair_gains(statistic),
        curves=curves,
        calibration=calibration,
        subsets=tuple(
            score_subsets(statistic, [source.name for source in sources], stored.seconds)
        ),
        seconds=stored.seconds,
        view_scores=_score_views(data, stored, asked, rules, progress),
        doubt=doubt,
        review=review,
        fusion=fusion,
    )


def look_at(found: Appraisal, sample: Sample) -> Look:
    """Look at an image again, for its masks."""
    maps = found.material.stored.by_class(sample, found.material.plan)
    return Looker(found.fusion, image_size(sample.image)).look(maps)


def _filters(weights: FusionWeights, plan: ClassPlan) -> tuple[ClassFilter, ...]:
    if not weights.filters:
        return (NO_FILTER,) * len(plan.names)
    return tuple(weights.filters[weights.class_names.index(name)] for name in plan.names)


def _range(thresholds: Floats) -> ThresholdRange:
    """What the statistic must span, so that the weights' thresholds lie in it, rounded or not."""
    low, high = float(thresholds.min()) - _ROUNDING, float(thresholds.max()) + _ROUNDING
    return ThresholdRange(max(min(THRESHOLDS.low, low), 0.0), min(max(THRESHOLDS.high, high), 1.0))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept of a look at a labelled image, whose masks are not."""

    counts: NDArray[np.int64]
    pair_dice: Floats
    signs: Floats
    areas_px: NDArray[np.int64]

    @classmethod
    def of(cls, look: Look, label: Label, bits: Sequence[int]) -> _Seen:
        """Counts are in the order of the plan; a label has its own."""
        in_label = [look.masks[c] for c in np.argsort(bits)]
        counts = np.asarray(image_counts(in_label, label)[list(bits)])
        return cls(counts, look.pair_dice(), look.signs, look.areas_px)


def _curves(
    statistic: Statistic, rules: Rules, scale: MapScale
) -> tuple[ThresholdCurves | None, Calibration | None]:
    if not isinstance(statistic, TupleStatistic):
        return None, None
    return threshold_curves(statistic, rules, scale), calibrate(statistic, rules, scale)


def _score_views(
    data: LabelledFolder, stored: StoredMaps, asked: Asked, rules: Rules, progress: Progress
) -> tuple[ViewScore, ...]:
    """The ensemble with the same weights and thresholds under other views."""
    found = []
    span = _range(stored.scale.thresholds(rules.thresholds))
    for views in asked.views:
        other = StoredMaps(
            stored.sources, views, SoftMapCache(asked.cache), space=stored.scale.space
        )
        statistic = gather(data, other, span, progress=progress).statistic
        found.append(ViewScore(views, statistic.scores(rules), float(other.seconds.sum())))
    return tuple(found)


def _signs(seen: Sequence[_Seen]) -> tuple[Floats, NDArray[np.int64]]:
    """Signs (N, C, K) and areas (N, C)."""
    return np.stack([each.signs for each in seen]), np.stack([each.areas_px for each in seen])


def _look_at_others(
    images: ImageFolder, stored: StoredMaps, fusion: FusionPlan, progress: Progress
) -> tuple[Floats, NDArray[np.int64]]:
    """Signs (N, C, K) and areas (N, C) of images without labels."""
    stored.fill(images.samples, progress=progress)
    signs, areas_px = [], []
    with progress("looking at other images", len(images.samples)) as advance:
        for sample in images.samples:
            maps = stored.by_class(sample, fusion.classes)
            look = Looker(fusion, image_size(sample.image)).look(maps)
            signs.append(look.signs)
            areas_px.append(look.areas_px)
            advance(1)
    return np.stack(signs), np.stack(areas_px)
