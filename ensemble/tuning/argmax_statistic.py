"""What a set of images says of weights for exclusive classes, where the largest value wins.

As `statistic`, with pixels in place of tuples: those whose class any weights can still change are
kept with the values of all members and classes. Memory: M * C + 2 bytes a kept pixel, twice that
while they are joined at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label, get_mask
from ensemble.kernels.argmax_sweep import argmax_counts, collect_contested, sweep_argmax
from ensemble.metrics import EVENLY, Grading
from ensemble.streaming import Mapper
from ensemble.tuning.class_plan import ClassMaps
from ensemble.tuning.rules import Rules, ThresholdRange
from ensemble.tuning.search import Line


@dataclass(frozen=True, slots=True)
class ArgmaxStatistic:
    """Graded overlap of N images and C exclusive classes under any weights.

    `values` (T, M * C) uint8 and `truth` (T,) int16 hold the pixels of image n from offsets[n] to
    offsets[n + 1]; `decided` (N, C, 3) counts the others. Every member has every class.
    """

    values: NDArray[np.uint8]
    truth: NDArray[np.int16]
    offsets: NDArray[np.int64]
    decided: NDArray[np.int64]
    present: NDArray[np.bool_]
    grading: Grading = EVENLY

    def in_threads(self, mapper: Mapper) -> ArgmaxStatistic:
        """Itself: an image's classes are swept together, by one thread."""
        del mapper
        return self

    def thinned(self, most: int) -> ArgmaxStatistic:
        """Itself: pixels have no counts, so that all are kept."""
        del most
        return self

    def for_members(self, members: Sequence[int]) -> ArgmaxStatistic:
        """What it says of some of the members."""
        num_classes, num_members = self.present.shape
        by_member = self.values.reshape(len(self.values), num_members, num_classes)
        return replace(
            self,
            values=by_member[:, list(members)].reshape(len(self.values), -1),
            present=self.present[:, list(members)],
        )

    @property
    def tunes_classes(self) -> bool:
        """One weight vector serves all classes: a class cannot win pixels that no other loses."""
        return False

    @property
    def num_images(self) -> int:
        """N."""
        return len(self.decided)

    def num_seen(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """(C,): in how many of the images each class is."""
        return np.asarray(np.count_nonzero(self.decided[images, :, 2], axis=0))

    def overlaps(self, rules: Rules, images: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """(n, C, 3) as `Metric.scores` takes them, of the chosen images; without thresholds."""
        chosen = np.arange(self.num_images) if images is None else images
        return argmax_counts(
            self.values, self.truth, (chosen, self.offsets, self.decided), rules.weights
        )

    def scores(self, rules: Rules, images: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Scores (n, C) of the chosen images, by default all; their mean is the metric."""
        return self.grading.scores(self.overlaps(rules, images), images)

    def graded(self, grading: Grading) -> ArgmaxStatistic:
        """The same, graded otherwise."""
        return replace(self, grading=grading)

    def objective(
        self, images: NDArray[np.int64], classes: NDArray[np.int64] | None = None
    ) -> MeanArgmaxScore:
        """The mean score of images over all classes; raises ValueError for some of them."""
        if classes is not None:
            raise ValueError("exclusive classes have one objective together")
        return MeanArgmaxScore(self, images)


@dataclass(frozen=True, slots=True)
class MeanArgmaxScore:
    """The metric of images and classes as a function of one weight vector (M,)."""

    statistic: ArgmaxStatistic
    images: NDArray[np.int64]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(M,): all members."""
        return np.ones(self.statistic.present.shape[1], np.bool_)

    @property
    def thresholds(self) -> ThresholdRange | None:
        """There are none."""
        return None

    @property
    def is_joint(self) -> bool:
        """There is no threshold to move."""
        return False

    def near(self, weights: NDArray[np.float64], threshold: float) -> MeanArgmaxScore:
        """Itself."""
        del weights, threshold
        return self

    def room(self, weights: NDArray[np.float64]) -> float:
        """Weights may move as they like."""
        del weights
        return np.inf

    def score(self, weights: NDArray[np.float64], threshold: float) -> float:
        """The mean score at one point."""
        statistic = self.statistic
        num_classes = len(statistic.present)
        rules = Rules(np.tile(weights, (num_classes, 1)), np.full(num_classes, threshold))
        return float(statistic.scores(rules, self.images).mean())

    def profile(self, line: Line) -> NDArray[np.float64]:
        """The mean score at NUM_CELLS + 1 places from line.low to line.high, evenly spaced."""
        statistic = self.statistic
        blocks, block_weights = statistic.grading.blocks(self.images, 1)
        return sweep_argmax(
            (statistic.values, statistic.truth),
            (self.images, statistic.offsets, statistic.decided),
            line.weights,
            line.weights_step,
            (line.low, line.high),
            (blocks, block_weights, statistic.grading.metric.is_iou),
        )


class ArgmaxBuilder:
    """Takes the images one after the other; `bits` (C,) says which bit of a label each class is."""

    def __init__(self, num_members: int, bits: Sequence[int], grading: Grading = EVENLY) -> None:
        self._grading = grading
        self._num_members = num_members
        self._bits = bits
        self._parts: list[tuple[NDArray[np.uint8], NDArray[np.int16], NDArray[np.int64]]] = []

    def add(self, maps: Iterable[ClassMaps], label: Label) -> None:
        """Add an image: class by class the maps of all members, and the label at full size."""
        by_class = list(maps)
        planes = [class_maps[m] for m in range(self._num_members) for class_maps in by_class]
        arrays = [plane for plane in planes if plane is not None]
        if len(arrays) < len(planes):
            raise ValueError("every member must have every exclusive class")
        sizes = np.array([plane.shape for plane in arrays], np.int64)
        self._parts.append(
            collect_contested(
                np.concatenate([plane.reshape(-1) for plane in arrays]),
                (np.ascontiguousarray(sizes[:, 0]), np.ascontiguousarray(sizes[:, 1])),
                self._truth(label),
                len(by_class),
            )
        )

    def result(self) -> ArgmaxStatistic:
        """The statistic of the images added, in their order."""
        values, truth, decided = zip(*self._parts, strict=True)
        return ArgmaxStatistic(
            values=np.concatenate(values),
            truth=np.concatenate(truth),
            offsets=np.cumsum([0, *(len(part) for part in truth)], dtype=np.int64),
            decided=np.stack(decided),
            present=np.ones((len(self._bits), self._num_members), np.bool_),
            grading=self._grading,
        )

    def _truth(self, label: Label) -> NDArray[np.int16]:
        truth = np.full(label.size, -1, np.int16)
        for c, bit in enumerate(self._bits):
            truth[get_mask(label.planes, bit)] = c
        return truth
