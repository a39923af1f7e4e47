"""Which filter the masks of each class get, chosen as rules are: where it surely gains.

The masks of an image are made by the rules that the other folds call for, so that neither fit nor
choice saw it. Filters are not fitted but taken from a short list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label
from ensemble.dice import image_counts
from ensemble.fusion.soft_maps import LEVELS, PROB_SCALE, MapScale
from ensemble.intervals import Interval
from ensemble.maps.masks import Maps, maps_to_runs
from ensemble.metrics import EVENLY, Grading
from ensemble.progress import Progress
from ensemble.runs.filters import NO_FILTER, ClassFilter
from ensemble.runs.rle import Runs, area
from ensemble.tuning.choice import surest_gain
from ensemble.tuning.class_plan import ClassMaps
from ensemble.tuning.cross_validation import CrossValidation
from ensemble.tuning.material import Material
from ensemble.tuning.rules import Rules
from ensemble.tuning.statistic import TupleStatistic

# The smallest parts that are kept, as shares of the median area that a class has in truth.
_SMALLEST = (0.02, 0.1)
# What a mask must have to be kept at all: such a share of that area above such a probability.
_SUREST = ((0.05, 0.7), (0.25, 0.7), (0.05, 0.9), (0.25, 0.9))


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """`filters` (C,) with their gain (C,), and `kept` - `plain` (N, C): the gain of the procedure.

    `plain`: scores without filters; `kept`: with those that the other folds call for.
    """

    filters: tuple[ClassFilter, ...]
    gain: Interval
    plain: NDArray[np.float64]
    kept: NDArray[np.float64]


def choose_filters(
    material: Material, validation: CrossValidation, *, seed: int, progress: Progress
) -> FilterChoice | None:
    """Read maps and labels once more, and score masks under the rules of each image's fold.

    None for exclusive classes, and where there are too few groups to choose on.
    """
    statistic, data = material.statistic, material.data
    if not isinstance(statistic, TupleStatistic) or not validation.fold_rules:
        return None
    menus = [filter_menu(area_px) for area_px in statistic.median_areas_px]
    scores = FilterScores(menus, material.plan.bits, statistic.grading, scale=material.stored.scale)
    with progress("filters", len(data.samples)) as advance:
        for sample, fold in zip(data.samples, validation.folds, strict=True):
            maps = material.stored.by_class(sample, material.plan)
            scores.add(maps, data.read_label(sample), validation.fold_rules[fold])
            advance(1)
    return scores.result(validation.folds, material.groups, seed=seed)


def filter_menu(median_area_px: float) -> tuple[ClassFilter, ...]:
    """What is tried for a class of that median area."""
    smallest = [max(round(share * median_area_px), 2) for share in _SMALLEST]
    return (
        ClassFilter(fill_holes=True),
        *(ClassFilter(min_area_px=area_px) for area_px in smallest),
        ClassFilter(keep_largest=1),
        ClassFilter(fill_holes=True, keep_largest=1),
        *(
            ClassFilter(sure_threshold=sure, min_sure_px=max(round(share * median_area_px), 1))
            for share, sure in _SUREST
        ),
    )


class FilterScores:
    """Takes the images one after the other; `menus` (C, K) as of `filter_menu`.

    `bits` (C,) says which bit of a label each class is. Maps are quantised on `scale`.
    """

    def __init__(
        self,
        menus: Sequence[Sequence[ClassFilter]],
        bits: Sequence[int],
        grading: Grading = EVENLY,
        *,
        scale: MapScale = PROB_SCALE,
    ) -> None:
        self._menus = menus
        self._bits = np.array(bits)
        self._grading = grading
        self._scale = scale
        self._overlaps: list[NDArray[np.int64]] = []

    def add(self, maps: Iterable[ClassMaps], label: Label, rules: Rules) -> None:
        """Score an image's masks under rules: without filters, and under each of the menus."""
        fused = zip(fused_grids(maps, rules), rules.thresholds, self._menus, strict=True)
        tried = [self._filtered(grids, limit, menu, label.size) for grids, limit, menu in fused]
        overlaps = [self._overlap(masks, label) for masks in zip(*tried, strict=True)]
        self._overlaps.append(np.stack(overlaps))

    def _filtered(
        self,
        grids: Sequence[Maps],
        limit: float,
        menu: Sequence[ClassFilter],
        size: tuple[int, int],
    ) -> list[Runs]:
        """A class's mask as it is, and under each filter of its menu."""
        levels = sorted({each.sure_threshold for each in menu if each.min_sure_px})
        limits = [limit, *self._scale.shares(np.array(levels))]
        runs, *sure = (maps_to_runs(grids, np.array([each]), size)[0] for each in limits)
        sure_px = {level: area(part) for level, part in zip(levels, sure, strict=True)}
        filtered = [each.apply(runs, size, sure_px.get(each.sure_threshold, 0)) for each in menu]
        return [runs, *filtered]

    def result(self, folds: NDArray[np.int64], groups: Sequence[str], *, seed: int) -> FilterChoice:
        """The filters that all images call for, and what such a choice gains on unseen folds."""
        overlaps = np.stack(self._overlaps, axis=1)
        everyone = np.arange(len(folds))

        def choose(images: NDArray[np.int64]) -> tuple[NDArray[np.int64], Interval]:
            plain, *tried = (self._grading.scores(each[images], images) for each in overlaps)
            return surest_gain(plain, tried, [groups[int(i)] for i in images], seed=seed)

        kept = overlaps[0].copy()
        for fold in np.unique(folds):
            inside = folds == fold
            found, _ = choose(np.flatnonzero(~inside))
            for c in np.flatnonzero(found >= 0):
                kept[inside, c] = overlaps[1 + found[c], inside, c]
        found, gain = choose(everyone)
        filters = tuple(
            menu[k] if k >= 0 else NO_FILTER for menu, k in zip(self._menus, found, strict=True)
        )
        before, after = (self._grading.scores(each, everyone) for each in (overlaps[0], kept))
        return FilterChoice(filters, gain, before, after)

    def _overlap(self, masks: Sequence[Runs], label: Label) -> NDArray[np.int64]:
        """(C, 3) in the order of the classes, of which a label has its own."""
        in_label = [masks[c] for c in np.argsort(self._bits)]
        return np.asarray(image_counts(in_label, label)[self._bits])


def fused_grids(maps: Iterable[ClassMaps], rules: Rules) -> Iterator[list[Maps]]:
    """Class by class an image's quantised maps fused by rules, as `fuse_class` does."""
    for class_maps, weights in zip(maps, rules.weights, strict=True):
        yield fuse_class(class_maps, weights)


def fuse_class(class_maps: ClassMaps, weights: NDArray[np.float64]) -> list[Maps]:
    """A class's quantised maps summed with weights (M,): one (1, h_g, w_g) float32 a grid."""
    sums: dict[tuple[int, ...], Maps] = {}
    for plane, weight in zip(class_maps, weights, strict=True):
        if plane is not None and weight > 0:
            total = sums.setdefault(plane.shape, np.zeros((1, *plane.shape), np.float32))
            total += np.float32(weight / LEVELS) * plane
    return list(sums.values())
