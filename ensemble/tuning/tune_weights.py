"""The flow of `ens tune-weights`: soft maps, what they leave undecided, folds, a weights file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ensemble.datasets import LabelledFolder, open_labelled
from ensemble.errors import ConfigError, DataError
from ensemble.filters import NO_FILTER, ClassFilter
from ensemble.members.member import Member
from ensemble.members.roster import choose_device, find_members, load_members
from ensemble.members.training_summary import stated_groups
from ensemble.progress import Progress, Tell, silent, unheard
from ensemble.soft_maps import CACHE_FOLDER, SoftMapCache
from ensemble.tuning.argmax_statistic import ArgmaxBuilder
from ensemble.tuning.candidates import Statistic
from ensemble.tuning.class_plan import ClassPlan, plan_classes
from ensemble.tuning.cross_validation import CrossValidation, check_groups, cross_validate
from ensemble.tuning.evidence import TuningResult, write_result
from ensemble.tuning.filter_choice import FilterChoice, FilterScores, filter_menu
from ensemble.tuning.rules import Rules, ThresholdRange
from ensemble.tuning.statistic import DiceStatistic, StatisticBuilder
from ensemble.tuning.stored_maps import StoredMaps
from ensemble.views import parse_views
from ensemble.weights import FusionWeights, uniform_weights
from ensemble.wording import counted

WEIGHTS_FILE = Path("per-class.json")


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """`views` as `--tta` takes them, `groups` as `open_labelled` does; `cache`: soft maps.

    Without `groups` those count that the members were trained with, see `stated_groups`.
    `raw_optimum`: every class at its own optimum, whether that gains or not.
    """

    out: Path = WEIGHTS_FILE
    views: str = ""
    groups: str | None = None
    num_folds: int = 5
    seed: int = 0
    device: str = "auto"
    cache: Path = CACHE_FOLDER
    thresholds: ThresholdRange = field(default_factory=ThresholdRange)
    raw_optimum: bool = False


def tune_weights(
    labelled: Path,
    members: Sequence[str] = (),
    settings: TuningSettings | None = None,
    *,
    progress: Progress = silent,
    tell: Tell = unheard,
) -> TuningResult:
    """Tune weights and thresholds on a labelled folder and write them with their evidence.

    `members` as `find_members` takes them; `tell` hears how the images are grouped. Soft maps are
    computed once and kept; an interrupted run goes on from them. Raises DataError for fewer than
    two groups of images.
    """
    settings = settings or TuningSettings()
    parse_views(settings.views)  # a typing error is cheaper before the members are loaded
    data = open_labelled(labelled, groups=settings.groups)
    if settings.groups is not None:
        check_groups(_groups(data))
    device = choose_device(settings.device)
    loaded = load_members(find_members(members), device, released=True)
    stated = None if settings.groups else stated_groups(member.manifest for member in loaded)
    if stated is not None:
        data = _regroup(labelled, stated)
    check_groups(_groups(data))
    tell(_grouping(data, settings.groups, stated))
    return tune_members(loaded, data, settings, progress=progress)


def tune_members(
    members: Sequence[Member],
    data: LabelledFolder,
    settings: TuningSettings,
    *,
    progress: Progress = silent,
) -> TuningResult:
    """`tune_weights` for members that are loaded and a folder that is open."""
    groups = _groups(data)
    plan = plan_classes(members, data.classes)
    stored = StoredMaps(members, settings.views, SoftMapCache(settings.cache))
    stored.fill([sample.image for sample in data.samples], progress=progress)
    statistic = build_statistic(data, stored, plan, settings.thresholds, progress=progress)
    validation = cross_validate(
        statistic, groups, num_folds=settings.num_folds, seed=settings.seed, progress=progress
    )
    if settings.raw_optimum:
        validation = validation.with_raw_optimum(groups, seed=settings.seed)
    filters = None
    if isinstance(statistic, DiceStatistic) and validation.fold_rules:
        menus = [filter_menu(area_px) for area_px in statistic.median_areas_px]
        scores = score_filters(data, stored, plan, validation, menus, progress=progress)
        filters = scores.result(validation.folds, groups, seed=settings.seed)
    weights = fusion_weights(members, plan, validation.rules, settings.views)
    if filters is not None:
        weights = with_filters(weights, plan, filters)
    result = TuningResult(settings.out, weights, plan, validation, groups, settings.seed, filters)
    write_result(result)
    return result


def _regroup(labelled: Path, stated: str) -> LabelledFolder:
    try:
        return open_labelled(labelled, groups=stated)
    except (ConfigError, DataError) as error:
        raise type(error)(
            error.what,
            where="the groups that the members were trained with",
            expected=error.expected,
            got=error.got,
            remedy="give others with --groups",
        ) from error


def _groups(data: LabelledFolder) -> list[str]:
    return [sample.group for sample in data.samples]


def _grouping(data: LabelledFolder, given: str | None, stated: str | None) -> str:
    """How many groups there are, and what says so."""
    if stated is not None:
        source = f"groups {stated!r} from the members"
    else:
        source = "by folder, else by name" if given is None else f"groups {given!r}"
    groups = counted(len(set(_groups(data))), "group")
    return f"{counted(len(data.samples), 'image')} of {groups} ({source})"


def build_statistic(
    data: LabelledFolder,
    stored: StoredMaps,
    plan: ClassPlan,
    thresholds: ThresholdRange,
    *,
    progress: Progress,
) -> Statistic:
    """Read the soft maps and the label of one image after the other."""
    builder = (
        ArgmaxBuilder(plan.present.shape[1], plan.bits)
        if plan.exclusive
        else StatisticBuilder(plan.present, plan.bits, thresholds)
    )
    with progress("undecided pixels", len(data.samples)) as advance:
        for sample in data.samples:
            builder.add(stored.by_class(sample.image, plan), data.read_label(sample))
            advance(1)
    return builder.result()


def score_filters(
    data: LabelledFolder,
    stored: StoredMaps,
    plan: ClassPlan,
    validation: CrossValidation,
    menus: Sequence[Sequence[ClassFilter]],
    *,
    progress: Progress,
) -> FilterScores:
    """Read maps and labels once more, and score masks under the rules of each image's fold."""
    scores = FilterScores(menus, plan.bits)
    with progress("filters", len(data.samples)) as advance:
        for sample, fold in zip(data.samples, validation.folds, strict=True):
            maps = stored.by_class(sample.image, plan)
            scores.add(maps, data.read_label(sample), validation.fold_rules[fold])
            advance(1)
    return scores


def with_filters(weights: FusionWeights, plan: ClassPlan, chosen: FilterChoice) -> FusionWeights:
    """The same with the filters of the labelled classes."""
    by_name = dict(zip(plan.names, chosen.filters, strict=True))
    filters = tuple(by_name.get(name, NO_FILTER) for name in weights.class_names)
    return replace(weights, filters=filters if any(f != NO_FILTER for f in filters) else ())


def fusion_weights(
    members: Sequence[Member], plan: ClassPlan, rules: Rules, views: str
) -> FusionWeights:
    """Tuned rules as weights of all the members' classes; those without labels stay uniform."""
    uniform = uniform_weights(members, views=views)
    tuned = np.array([uniform.class_names.index(name) for name in plan.names])
    uniform.weights[:, tuned] = rules.weights.T
    uniform.thresholds[tuned] = rules.thresholds
    return uniform
