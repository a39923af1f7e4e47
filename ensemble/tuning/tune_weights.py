"""The flow of `ens tune-weights`: soft maps, what they leave undecided, folds, a weights file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ensemble.data.datasets import LabelledFolder, open_labelled
from ensemble.errors import ConfigError, few
from ensemble.fusion.soft_maps import CACHE_FOLDER, SoftMapCache
from ensemble.maps.views import parse_views
from ensemble.members.member import Member
from ensemble.members.roster import choose_device, find_members, load_members
from ensemble.metrics import DICE, Metric
from ensemble.progress import Progress, Tell, silent, unheard
from ensemble.tuning.cross_validation import check_groups, cross_validate, draw_folds
from ensemble.tuning.evidence import write_result
from ensemble.tuning.filter_choice import choose_filters
from ensemble.tuning.fusion_rules import fusion_weights
from ensemble.tuning.grouped_folder import group_as_trained
from ensemble.tuning.material import Material, gather, unsure_sources
from ensemble.tuning.member_choice import Limits, choose_members
from ensemble.tuning.result import TuningResult
from ensemble.tuning.rules import ThresholdRange
from ensemble.tuning.shift import Shift, match_images, open_others
from ensemble.tuning.sources import Source, families, single_sources
from ensemble.tuning.stored_maps import StoredMaps
from ensemble.tuning.variants import Variant, VariantChoice, choose_variant

WEIGHTS_FILE = Path("per-class.json")


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """`variants`: of views and fusion space, the first unless another surely gains.

    `groups` as `open_labelled` takes them; `cache`: soft maps; `thresholds` of probabilities.
    Without `groups` those count that the members were trained with, see `stated_groups`.
    `raw_optimum`: every class at its own optimum, whether that gains or not. `limits`: how many
    members may take part, or how long all may take. `out_of_fold`: the folder is the one that the
    members were trained on, and each answers only the images that it did not learn from. `metric`
    is maximised and reported. `match`: a folder of images which the labelled ones shall resemble.
    """

    out: Path = WEIGHTS_FILE
    variants: tuple[Variant, ...] = (Variant(),)
    groups: str | None = None
    num_folds: int = 5
    seed: int = 0
    device: str = "auto"
    cache: Path = CACHE_FOLDER
    thresholds: ThresholdRange = field(default_factory=ThresholdRange)
    raw_optimum: bool = False
    limits: Limits = field(default_factory=Limits)
    out_of_fold: bool = False
    metric: Metric = DICE
    match: Path | None = None

    def __post_init__(self) -> None:
        if self.match is not None and self.metric.is_pooled:
            raise ConfigError(
                "a pooled metric grades no image by itself, so that images cannot be weighted",
                remedy="leave --match out, or use --metric dice or iou",
            )


def tune_weights(
    labelled: Path,
    members: Sequence[str] = (),
    settings: TuningSettings | None = None,
    *,
    progress: Progress = silent,
    tell: Tell = unheard,
) -> TuningResult:
    """Tune weights and thresholds on a labelled folder and write them with their evidence.

    `members` as `find_members` takes them; `tell` hears how the images are grouped, and of members
    with which it takes long. Soft maps are computed once and kept; an interrupted run goes on from
    them. Raises DataError for fewer than two groups of images.
    """
    settings = settings or TuningSettings()
    for variant in settings.variants:
        parse_views(variant.views)  # a typing error is cheaper before the members are loaded
    data = open_labelled(labelled, groups=settings.groups)
    if settings.groups is not None:
        check_groups(_groups(data))
    device = choose_device(settings.device)
    loaded = load_members(find_members(members), device, released=True)
    data = group_as_trained(data, labelled, settings.groups, loaded, tell=tell)
    check_groups(_groups(data))
    return tune_members(loaded, data, settings, progress=progress, tell=tell)


def tune_members(
    members: Sequence[Member],
    data: LabelledFolder,
    settings: TuningSettings,
    *,
    progress: Progress = silent,
    tell: Tell = unheard,
) -> TuningResult:
    """`tune_weights` for members that are loaded and a folder that is open."""
    seed = settings.seed
    sources = families(members, data.samples) if settings.out_of_fold else single_sources(members)
    material, variants, shift = _gather_best(sources, data, settings, progress, tell)
    groups = material.groups
    worth = choose_members(
        material.statistic,
        draw_folds(groups, settings.num_folds, seed),
        groups,
        seconds=material.seconds,
        limits=settings.limits,
        seed=seed,
    )
    if settings.limits.are_set:
        material = material.for_members(worth.kept)
    validation = cross_validate(
        material.statistic, groups, num_folds=settings.num_folds, seed=seed, progress=progress
    )
    if settings.raw_optimum:
        validation = validation.with_raw_optimum(groups, seed=seed)
    filters = choose_filters(material, validation, seed=seed, progress=progress)
    result = TuningResult(
        settings.out,
        fusion_weights(material, validation.rules, filters),
        material.plan,
        validation,
        groups,
        seed,
        filters=filters,
        sources=material.sources,
        candidates=tuple(source.name for source in sources),
        worth=worth,
        variants=variants,
        metric=settings.metric,
        shift=shift,
    )
    write_result(result)
    return result


def _gather_best(
    sources: Sequence[Source],
    data: LabelledFolder,
    settings: TuningSettings,
    progress: Progress,
    tell: Tell,
) -> tuple[Material, VariantChoice, Shift | None]:
    """What tuning works on under the best variant, one after the other being tried.

    Images are matched with others as they are seen under the first.
    """
    cache = SoftMapCache(settings.cache)
    others = None if settings.match is None else open_others(settings.match)

    def stored(variant: Variant) -> StoredMaps:
        return StoredMaps(sources, variant.views, cache, space=variant.space)

    def gathered(maps: StoredMaps, shift: Shift | None) -> Material:
        material = gather(
            data, maps, settings.thresholds, metric=settings.metric, progress=progress
        )
        return material if shift is None else material.weighted(shift.weights)

    first = stored(settings.variants[0])
    first.fill(data.samples, progress=progress)
    if unsure := unsure_sources(data, first, settings.thresholds):
        tell(
            f"{few(unsure)} can be of either opinion on more than half of all pixels, as a network "
            "that hardly learnt: tuning takes long with it, --members leaves it out"
        )
    material, shift = gathered(first, None), None
    if others is not None:
        shift = match_images(
            material, others, folder=str(settings.match), seed=settings.seed, progress=progress
        )
        material = material.weighted(shift.weights)
    scores, seconds = [material.uniform_scores()], [float(material.seconds.sum())]
    for variant in settings.variants[1:]:
        del material  # one at a time is enough
        material = gathered(stored(variant), shift)
        scores.append(material.uniform_scores())
        seconds.append(float(material.seconds.sum()))
    choice = choose_variant(settings.variants, scores, seconds, _groups(data), seed=settings.seed)
    if choice.kept != len(settings.variants) - 1:
        del material
        material = gathered(stored(settings.variants[choice.kept]), shift)
    return material, choice, shift


def _groups(data: LabelledFolder) -> list[str]:
    return [sample.group for sample in data.samples]
