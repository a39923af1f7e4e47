"""The flow of `ens tune-weights`: soft maps, what they leave undecided, folds, a weights file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ensemble.datasets import LabelledFolder, open_labelled
from ensemble.errors import ConfigError, DataError
from ensemble.filters import NO_FILTER
from ensemble.members.member import Member
from ensemble.members.roster import choose_device, find_members, load_members
from ensemble.members.training_summary import stated_groups
from ensemble.progress import Progress, Tell, silent, unheard
from ensemble.soft_maps import CACHE_FOLDER, SoftMapCache
from ensemble.tuning.class_plan import ClassPlan
from ensemble.tuning.cross_validation import check_groups, cross_validate, draw_folds
from ensemble.tuning.evidence import TuningResult, write_result
from ensemble.tuning.filter_choice import FilterChoice
from ensemble.tuning.material import choose_filters, gather
from ensemble.tuning.member_choice import Limits, choose_members
from ensemble.tuning.rules import Rules, ThresholdRange
from ensemble.tuning.stored_maps import StoredMaps
from ensemble.views import parse_views
from ensemble.weights import FusionWeights, uniform_weights
from ensemble.wording import counted

WEIGHTS_FILE = Path("per-class.json")


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """`views` as `--tta` takes them, `groups` as `open_labelled` does; `cache`: soft maps.

    Without `groups` those count that the members were trained with, see `stated_groups`.
    `raw_optimum`: every class at its own optimum, whether that gains or not. `limits`: how many
    members may take part, or how long all may take.
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
    limits: Limits = field(default_factory=Limits)


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
    seed = settings.seed
    stored = StoredMaps(members, settings.views, SoftMapCache(settings.cache))
    material = gather(data, stored, settings.thresholds, progress=progress)
    groups = material.groups
    worth = choose_members(
        material.statistic,
        draw_folds(groups, settings.num_folds, seed),
        groups,
        seconds=stored.seconds,
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
    weights = fusion_weights(material.members, material.plan, validation.rules, settings.views)
    if filters is not None:
        weights = with_filters(weights, material.plan, filters)
    result = TuningResult(
        settings.out,
        weights,
        material.plan,
        validation,
        groups,
        seed,
        filters=filters,
        candidates=tuple(member.name for member in members),
        worth=worth,
    )
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
