"""What tuning works on: members, labelled images, and what the soft maps say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label
from ensemble.data.datasets import LabelledFolder, Sample
from ensemble.fusion.soft_maps import LEVELS, MapScale
from ensemble.intervals import known_mean
from ensemble.metrics import DICE, Grading, Metric
from ensemble.progress import Progress
from ensemble.streaming import ordered_map
from ensemble.tuning.argmax_statistic import ArgmaxBuilder
from ensemble.tuning.candidates import Statistic
from ensemble.tuning.class_plan import ClassMaps, ClassPlan, plan_classes
from ensemble.tuning.rules import DEFAULT_THRESHOLD, ThresholdRange, spread
from ensemble.tuning.sources import Source
from ensemble.tuning.statistic import StatisticBuilder
from ensemble.tuning.stored_maps import StoredMaps
from ensemble.tuning.units import most_tuples

# Labels that a thread has ready.
_LABELS_AHEAD = 2
# Images by which it is told how sure a member is.
_LOOKED_AT = 3

# Looks at the maps of an image, class by class, and passes them on.
Watch = Callable[[Sample, Label, Iterable[ClassMaps]], Iterable[ClassMaps]]


@dataclass(frozen=True, slots=True)
class Material:
    """M sources, their soft maps of labelled images, and the statistic of those."""

    sources: tuple[Source, ...]
    data: LabelledFolder
    plan: ClassPlan
    stored: StoredMaps
    statistic: Statistic

    @property
    def groups(self) -> list[str]:
        """(N,): the group (person) of each image."""
        return [sample.group for sample in self.data.samples]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(M,): what the soft maps of an image take each source."""
        return self.stored.seconds

    def weighted(self, image_weights: NDArray[np.float64]) -> Material:
        """The same with weights (N,) of the images."""
        grading = replace(self.statistic.grading, image_weights=image_weights)
        return replace(self, statistic=self.statistic.graded(grading))

    def uniform_scores(self) -> NDArray[np.float64]:
        """(N,): of each image, mean over classes, when all members weigh the same."""
        num_members = len(self.sources)
        weights = np.full(num_members, 1 / num_members)
        rules = spread(weights, DEFAULT_THRESHOLD, self.statistic.present)
        return np.asarray(self.statistic.scores(rules).mean(axis=1))

    def for_members(self, kept: Sequence[int]) -> Material:
        """The same for some of the sources."""
        return replace(
            self,
            sources=tuple(self.sources[m] for m in kept),
            plan=self.plan.for_members(kept),
            stored=self.stored.for_members(kept),
            statistic=self.statistic.for_members(kept),
        )


def gather(
    data: LabelledFolder,
    stored: StoredMaps,
    thresholds: ThresholdRange,
    *,
    metric: Metric = DICE,
    watch: Watch | None = None,
    progress: Progress,
) -> Material:
    """Compute the soft maps that are lacking; read all, and the labels, image by image.

    `thresholds` are of probabilities, those of the statistic shares of the scale of the maps.
    `watch` sees all that is read.
    """
    plan = plan_classes([source.members[0] for source in stored.sources], data.classes)
    stored.fill(data.samples, progress=progress)
    builder = _builder(plan, stored.scale, thresholds, Grading(metric), len(data.samples))
    labels = ordered_map(data.read_label, data.samples, threads=1, ahead=_LABELS_AHEAD)
    with progress("undecided pixels", len(data.samples)) as advance:
        for sample, label in zip(data.samples, labels, strict=True):
            maps = stored.by_class(sample, plan)
            builder.add(maps if watch is None else watch(sample, label, maps), label)
            advance(1)
    return Material(stored.sources, data, plan, stored, builder.result())


def unsure_sources(
    data: LabelledFolder, stored: StoredMaps, thresholds: ThresholdRange
) -> list[str]:
    """Sources of overlapping classes whose maps lie mostly between the thresholds.

    More than half of the pixels do, mean over their classes and a few of the images, whose maps
    must be there (`fill`).
    """
    plan = plan_classes([source.members[0] for source in stored.sources], data.classes)
    if plan.exclusive:
        return []
    ends = stored.scale.shares(np.array([thresholds.low, thresholds.high])) * LEVELS
    every = max(len(data.samples) // _LOOKED_AT, 1)
    shares = [
        [np.nan if pixels is None else _share_within(pixels, *ends) for pixels in class_maps]
        for sample in data.samples[::every][:_LOOKED_AT]
        for class_maps in stored.by_class(sample, plan)
    ]
    means = known_mean(np.array(shares))
    return [source.name for source, mean in zip(stored.sources, means, strict=True) if mean > 0.5]


def _share_within(pixels: NDArray[np.uint8], low: float, high: float) -> float:
    return float(((pixels > low) & (pixels <= high)).mean())


def _builder(
    plan: ClassPlan,
    scale: MapScale,
    thresholds: ThresholdRange,
    grading: Grading,
    num_images: int,
) -> ArgmaxBuilder | StatisticBuilder:
    if plan.exclusive:
        return ArgmaxBuilder(plan.present.shape[1], plan.bits, grading)
    low, high = scale.shares(np.array([thresholds.low, thresholds.high])).tolist()
    num_classes, num_members = plan.present.shape
    most = most_tuples(num_members, num_classes * num_images)
    return StatisticBuilder(plan.present, plan.bits, ThresholdRange(low, high), grading, most=most)
