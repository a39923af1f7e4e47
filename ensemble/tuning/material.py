"""What tuning works on: members, labelled images, and what the soft maps say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.datasets import ImageFolder, LabelledFolder, Sample
from ensemble.errors import DataError
from ensemble.images import read_image
from ensemble.metrics import DICE, Metric
from ensemble.progress import Progress
from ensemble.soft_maps import MapScale
from ensemble.tuning.argmax_statistic import ArgmaxBuilder
from ensemble.tuning.candidates import Statistic
from ensemble.tuning.class_plan import ClassPlan, plan_classes
from ensemble.tuning.cross_validation import CrossValidation
from ensemble.tuning.filter_choice import FilterChoice, FilterScores, filter_menu
from ensemble.tuning.rules import DEFAULT_THRESHOLD, ThresholdRange, spread
from ensemble.tuning.shift import LEAST_OTHERS, Shift, describe, match
from ensemble.tuning.sources import Source
from ensemble.tuning.statistic import StatisticBuilder, TupleStatistic
from ensemble.tuning.stored_maps import StoredMaps


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
        return replace(self, statistic=self.statistic.weighted(image_weights))

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
    progress: Progress,
) -> Material:
    """Compute the soft maps that are lacking; read all, and the labels, image by image.

    `thresholds` are of probabilities, those of the statistic shares of the scale of the maps.
    """
    plan = plan_classes([source.members[0] for source in stored.sources], data.classes)
    stored.fill(data.samples, progress=progress)
    builder = _builder(plan, stored.scale, thresholds, metric)
    with progress("undecided pixels", len(data.samples)) as advance:
        for sample in data.samples:
            builder.add(stored.by_class(sample, plan), data.read_label(sample))
            advance(1)
    return Material(stored.sources, data, plan, stored, builder.result())


def _builder(
    plan: ClassPlan, scale: MapScale, thresholds: ThresholdRange, metric: Metric
) -> ArgmaxBuilder | StatisticBuilder:
    if plan.exclusive:
        return ArgmaxBuilder(plan.present.shape[1], plan.bits, metric)
    low, high = scale.shares(np.array([thresholds.low, thresholds.high])).tolist()
    return StatisticBuilder(plan.present, plan.bits, ThresholdRange(low, high), metric)


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
    scores = FilterScores(menus, material.plan.bits, statistic.grade)
    with progress("filters", len(data.samples)) as advance:
        for sample, fold in zip(data.samples, validation.folds, strict=True):
            maps = material.stored.by_class(sample, material.plan)
            scores.add(maps, data.read_label(sample), validation.fold_rules[fold])
            advance(1)
    return scores.result(validation.folds, material.groups, seed=seed)


def _widest_seeing(material: Material) -> int:
    """The source that knows the most classes, of equals the one that is best alone."""
    statistic = material.statistic
    known = statistic.present.sum(axis=0)

    def worth(m: int) -> tuple[int, float]:
        rules = spread(np.eye(len(known))[m], DEFAULT_THRESHOLD, statistic.present)
        return int(known[m]), float(statistic.scores(rules).mean())

    return max(range(len(known)), key=worth)


def match_images(
    material: Material, others: ImageFolder, *, seed: int, progress: Progress
) -> Shift:
    """What each labelled image counts so that they resemble others, as the best member sees both.

    Raises DataError where too few do, and for fewer than LEAST_OTHERS others.
    """
    if len(others.samples) < LEAST_OTHERS:
        raise DataError(
            "too few images to match with",
            where=others.root,
            expected=f"{LEAST_OTHERS} or more",
            got=len(others.samples),
        )
    best = material.for_members([_widest_seeing(material)])
    member = best.sources[0].members[0]
    stored = best.stored.of([Source(member.name, (member,))])
    stored.fill(others.samples, progress=progress)

    def features(maps: StoredMaps, samples: Sequence[Sample]) -> NDArray[np.float64]:
        with progress("comparing images", len(samples)) as advance:
            rows = []
            for sample in samples:
                planes = [plane for (plane,) in maps.by_class(sample, best.plan)]
                rows.append(
                    describe(read_image(sample.image), [p for p in planes if p is not None])
                )
                advance(1)
        return np.stack(rows)

    return match(
        features(best.stored, best.data.samples),
        features(stored, others.samples),
        best.groups,
        folder=others.root.name or str(others.root),
        seed=seed,
    )
