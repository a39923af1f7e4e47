"""All that a set of images says of weights and thresholds, without the images.

The overlap at full size depends on the soft maps only through the pixels whose label the weights
and thresholds can still change. Those are kept as tuples of one value a member, equal ones counted
together; the others are counted once and for all.

Memory: M + 8 bytes a kept tuple, twice that while they are joined at the end. The band of
undecided pixels along an outline is what is kept: about 1,000 tuples for a tooth of 1,500 pixels.
While an image is read: M bytes a pixel of the largest class's window at full size, at most.

Rounding: soft maps are stored in 8 bits (off by 1/510 of the scale of their space) and rounded to 8
bits again after upsampling (1/510), so that the fused value is within 0.004 of the unrounded one:
of a probability, or of the 18.4 between the least and the largest logit. A member that hardly
learnt anything leaves whole images undecided; of a class of which more tuples were left than
`most_tuples`, values are rounded to steps of 2 or more, up to 64 of 255, until no more are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label, areas_px
from ensemble.fusion.soft_maps import LEVELS
from ensemble.kernels.line_sweep import sweep_line, unit_counts
from ensemble.kernels.nearby import keep_nearby
from ensemble.metrics import EVENLY, Grading
from ensemble.streaming import Mapper, ordered_map
from ensemble.tuning.class_plan import ClassMaps
from ensemble.tuning.rules import Rules, ThresholdRange, spread
from ensemble.tuning.search import Line
from ensemble.tuning.units import MOST_TUPLES, Unit, class_unit

# From as many tuples on units are shared among threads, in parts of a fixed number: so results are
# the same on every machine.
_WORTH_THREADS, _NUM_PARTS = 100_000, 8

# Classes of an image that are looked at side by side, while the maps of the next are read.
_THREADS = 2
# Tuples of a class and image that a sample keeps at least.
_LEAST_OF_UNIT = 32


# How far what is left of a statistic near a point reaches.
NEAR_WEIGHT, NEAR_THRESHOLD = 0.2, 0.03


@dataclass(frozen=True, slots=True)
class TupleStatistic:
    """Graded overlap of N images and C overlapping classes under any weights and thresholds.

    Unit n * C + c is class c of image n. `values` (M, T) and `counts` (2, T) hold the tuples of
    unit u in columns offsets[u] to offsets[u + 1]; `decided` (N * C, 3) and `present` (C, M).
    """

    values: NDArray[np.uint8]
    counts: NDArray[np.int32]
    offsets: NDArray[np.int64]
    decided: NDArray[np.int64]
    present: NDArray[np.bool_]
    thresholds: ThresholdRange
    grading: Grading = EVENLY
    mapper: Mapper = map

    def in_threads(self, mapper: Mapper) -> TupleStatistic:
        """The same with another `map`, such as that of `Stripes`; results do not depend on it."""
        return replace(self, mapper=mapper)

    def thinned(self, most: int) -> TupleStatistic:
        """Every n-th tuple of each unit, for all up to the next, so that about `most` remain.

        Tuples stand in raster order of their pixels, so that all parts of an outline are there.
        Of a small unit n is less, so that some tuples of each class and image always remain.
        """
        every = -(-self.values.shape[1] // most)
        if every <= 1:
            return self
        kept, shares = [], []
        for first, last in pairwise(self.offsets):
            step = max(min(every, (last - first) // _LEAST_OF_UNIT), 1)
            kept.append(np.arange(first, last, step))
            shares.append(np.minimum(step, last - kept[-1]))
        columns = np.concatenate(kept)
        return replace(
            self,
            values=self.values[:, columns],
            counts=self.counts[:, columns] * np.concatenate(shares).astype(np.int32),
            offsets=np.cumsum([0, *map(len, kept)], dtype=np.int64),
        )

    def for_members(self, members: Sequence[int]) -> TupleStatistic:
        """What it says of some of the members, each class being known to one of them."""
        return replace(
            self, values=self.values[list(members)], present=self.present[:, list(members)]
        )

    @property
    def tunes_classes(self) -> bool:
        """Every class can have its own rule."""
        return True

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.present)

    @property
    def num_images(self) -> int:
        """N."""
        return len(self.decided) // self.num_classes

    @property
    def median_areas_px(self) -> list[float]:
        """(C,): the median true area of each class where it is present; 0 where it never is."""
        areas = self.decided[:, 2].reshape(-1, self.num_classes)
        return [float(np.median(column[column > 0])) if column.any() else 0.0 for column in areas.T]

    def num_seen(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """(C,): in how many of the images each class is."""
        areas = self.decided[:, 2].reshape(-1, self.num_classes)[images]
        return np.asarray(np.count_nonzero(areas, axis=0))

    def overlaps(self, rules: Rules, images: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """(n, C, 3) as `Metric.scores` takes them, of the chosen images (by default all).

        Raises ValueError for a threshold outside the range that the statistic was built for.
        """
        chosen = np.arange(self.num_images) if images is None else images
        outside = (rules.thresholds < self.thresholds.low) | (
            rules.thresholds > self.thresholds.high
        )
        if outside.any():
            raise ValueError(f"thresholds outside {self.thresholds}: {rules.thresholds[outside]}")
        found = unit_counts(
            self.values,
            self.counts,
            (self._units(chosen, np.arange(self.num_classes)), self.offsets, self.decided),
            np.repeat(rules.weights, len(chosen), axis=0),
            np.repeat(rules.thresholds * LEVELS, len(chosen)),
        )
        return np.asarray(found.reshape(self.num_classes, len(chosen), 3).swapaxes(0, 1))

    def scores(self, rules: Rules, images: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Scores (n, C) of the chosen images, by default all; their mean is the metric."""
        return self.grading.scores(self.overlaps(rules, images), images)

    def graded(self, grading: Grading) -> TupleStatistic:
        """The same, graded otherwise."""
        return replace(self, grading=grading)

    def objective(
        self, images: NDArray[np.int64], classes: NDArray[np.int64] | None = None
    ) -> MeanScore:
        """The mean score of images over classes (by default all) under one weight vector."""
        chosen = np.arange(self.num_classes) if classes is None else classes
        return MeanScore(
            self,
            self._units(images, chosen),
            np.repeat(self.present[chosen], len(images), axis=0),
            *self.grading.blocks(images, len(chosen)),
        )

    def _units(self, images: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of chosen images and classes, class by class."""
        return np.asarray((classes[:, None] + images * self.num_classes).reshape(-1))


@dataclass(frozen=True, slots=True)
class MeanScore:
    """The mean score of units as a function of one weight vector (M,) and one threshold.

    `present` (U, M): a member that lacks a unit's class drops out of its sum. `blocks` (B,): how
    many of the units are scored together each, and `block_weights` (B,), what that counts.
    `centre`: weights (M,) beside which it is valid only near by, see `near`.
    """

    statistic: TupleStatistic
    units: NDArray[np.int64]
    present: NDArray[np.bool_]
    blocks: NDArray[np.int64]
    block_weights: NDArray[np.float64]
    centre: NDArray[np.float64] | None = None

    def near(self, weights: NDArray[np.float64], threshold: float) -> MeanScore:
        """The same for less work, valid only near a point: within NEAR_WEIGHT, NEAR_THRESHOLD.

        Raises ValueError where members drop out of some units.
        """
        if not self.is_joint:
            raise ValueError("members drop out of some units")
        whole, span = self.statistic, self.thresholds
        values, counts, offsets, decided = keep_nearby(
            whole.values,
            whole.counts,
            (self.units, whole.offsets, whole.decided),
            (weights, threshold * LEVELS),
            self.usable,
            (NEAR_WEIGHT, NEAR_THRESHOLD * LEVELS),
        )
        thresholds = ThresholdRange(
            max(span.low, threshold - NEAR_THRESHOLD), min(span.high, threshold + NEAR_THRESHOLD)
        )
        nearby = replace(
            whole,
            values=values,
            counts=counts,
            offsets=offsets,
            decided=decided,
            thresholds=thresholds,
        )
        return replace(
            self, statistic=nearby, units=np.arange(len(self.units)), centre=weights.copy()
        )

    def room(self, weights: NDArray[np.float64]) -> float:
        """How much weight may go from members to others, from these weights on."""
        if self.centre is None:
            return np.inf
        return max(NEAR_WEIGHT - float(np.abs(weights - self.centre).sum()) / 2, 0.0)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(M,): the members that have any of the classes."""
        return np.asarray(self.present.any(axis=0))

    @property
    def thresholds(self) -> ThresholdRange:
        """Within what the threshold may move."""
        return self.statistic.thresholds

    @property
    def is_joint(self) -> bool:
        """Whether every unit has all usable members, so that its weights sum to 1."""
        return bool(self.present[:, self.usable].all())

    def score(self, weights: NDArray[np.float64], threshold: float) -> float:
        """The mean score at one point."""
        statistic = self.statistic
        rules = spread(weights, threshold, self.present)

        def overlaps(part: slice, _: slice) -> NDArray[np.int64]:
            return unit_counts(
                statistic.values,
                statistic.counts,
                (self.units[part], statistic.offsets, statistic.decided),
                rules.weights[part],
                rules.thresholds[part] * LEVELS,
            )

        found = np.concatenate(list(self._map(overlaps)))
        ends = np.cumsum(self.blocks)
        summed = np.add.reduceat(found, ends - self.blocks, axis=0)
        metric = replace(statistic.grading.metric, is_pooled=False)
        scores = metric.scores(summed[:, None])
        return float(np.mean(scores[:, 0] * self.block_weights))

    def profile(self, line: Line) -> NDArray[np.float64]:
        """The mean score at NUM_CELLS + 1 places from line.low to line.high, evenly spaced."""
        statistic = self.statistic
        start = np.where(self.present, line.weights, 0.0)
        step = np.where(self.present, line.weights_step, 0.0)

        def total(part: slice, blocks: slice) -> NDArray[np.float64]:
            return sweep_line(
                (statistic.values, statistic.counts),
                (self.units[part], statistic.offsets, statistic.decided),
                (start[part], line.threshold * LEVELS),
                (step[part], line.threshold_step * LEVELS),
                (line.low, line.high),
                (self.blocks[blocks], self.block_weights[blocks], statistic.grading.metric.is_iou),
            )

        return np.asarray(np.sum(list(self._map(total)), axis=0) / len(self.blocks))

    def _map(self, function: Callable[[slice, slice], NDArray[Any]]) -> Iterable[NDArray[Any]]:
        """A function of parts of the units and their blocks, in threads where they are worth it."""
        offsets = self.statistic.offsets
        size = (offsets[self.units + 1] - offsets[self.units]).sum()
        if size < _WORTH_THREADS:
            return [function(slice(None), slice(None))]
        ends = np.linspace(0, len(self.blocks), _NUM_PARTS + 1).astype(int)
        blocks = [slice(a, b) for a, b in pairwise(ends) if a < b]
        units = np.concatenate([[0], np.cumsum(self.blocks)])
        parts = [slice(units[each.start], units[each.stop]) for each in blocks]
        return self.statistic.mapper(lambda both: function(*both), zip(parts, blocks, strict=True))


class StatisticBuilder:
    """Takes the images one after the other.

    `present` (C, M) says which member has which class, `bits` (C,) which bit of a label each is;
    `most` how many tuples a class of an image may leave, see `most_tuples`.
    """

    def __init__(
        self,
        present: NDArray[np.bool_],
        bits: Sequence[int],
        thresholds: ThresholdRange,
        grading: Grading = EVENLY,
        *,
        most: int = MOST_TUPLES,
    ) -> None:
        self._grading = grading
        self._present = present
        self._bits = bits
        self._thresholds = thresholds
        self._most = most
        self._units: list[Unit] = []

    def add(self, maps: Iterable[ClassMaps], label: Label) -> None:
        """Add an image: class by class the maps of all members, and the label at full size."""
        areas = areas_px(label.planes, max(self._bits) + 1)

        def unit(item: tuple[ClassMaps, int]) -> Unit:
            class_maps, bit = item
            area = int(areas[bit])
            return class_unit(class_maps, label, bit, area, self._thresholds, most=self._most)

        by_class = zip(maps, self._bits, strict=True)
        self._units += ordered_map(unit, by_class, threads=_THREADS, ahead=2 * _THREADS)

    def result(self) -> TupleStatistic:
        """The statistic of the images added, in their order."""
        lengths = [unit.counts.shape[1] for unit in self._units]
        return TupleStatistic(
            values=np.concatenate([unit.values for unit in self._units], axis=1),
            counts=np.concatenate([unit.counts for unit in self._units], axis=1),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            decided=np.stack([unit.decided for unit in self._units]),
            present=self._present,
            thresholds=self._thresholds,
            grading=self._grading,
        )
