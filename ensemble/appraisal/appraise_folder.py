"""The flow of `ens report`: members, weights and a labelled folder by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.appraisal.appraisal import Appraisal, Asked, appraise
from ensemble.appraisal.evidence import Evidence
from ensemble.data.datasets import LabelledFolder, open_images, open_labelled
from ensemble.errors import ConfigError, DataError
from ensemble.fusion.soft_maps import CACHE_FOLDER
from ensemble.fusion.weights import FusionWeights, match_members, uniform_weights
from ensemble.fusion.weights_file import read_weights
from ensemble.maps.views import parse_views
from ensemble.members.roster import choose_device, find_members, load_members
from ensemble.progress import Progress, Tell, silent, unheard
from ensemble.tuning.grouped_folder import group_as_trained
from ensemble.tuning.sources import families, single_sources
from ensemble.tuning.tune_weights import WEIGHTS_FILE


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """`weights`: a file, by default per-class.json if it lies here, else all weigh the same.

    `views`: others to be scored; `review`: a folder of images to be ranked; `groups` as
    `open_labelled` takes them, else as the members were trained. `cache`: of soft maps.
    `out_of_fold`: each member answers only the images that it did not learn from.
    """

    weights: Path | None = None
    views: tuple[str, ...] = ()
    review: Path | None = None
    groups: str | None = None
    device: str = "auto"
    cache: Path = CACHE_FOLDER
    out_of_fold: bool = False

    def __post_init__(self) -> None:
        if self.out_of_fold and self.review is not None:
            raise ConfigError(
                "members of folds answer the images that they held out, and no others",
                remedy="leave --review out, or name single members without --out-of-fold",
            )


def appraise_folder(
    labelled: Path,
    members: Sequence[str] = (),
    settings: ReportSettings | None = None,
    *,
    progress: Progress = silent,
    tell: Tell = unheard,
) -> tuple[Appraisal, Evidence]:
    """Appraise an ensemble on a labelled folder; `members` as `find_members` takes them.

    Without them: those of the weights file. Raises DataError for fewer than two groups of images,
    WeightsError where weights and members do not fit.
    """
    settings = settings or ReportSettings()
    for views in settings.views:
        parse_views(views)  # a typing error is cheaper before the members are loaded
    data = open_labelled(labelled, groups=settings.groups)
    review = None if settings.review is None else open_images(settings.review)
    weights, evidence = _read(settings, tell)
    names = members or (weights.members if weights else ())
    loaded = load_members(find_members(names), choose_device(settings.device), released=True)
    weights = weights or uniform_weights(loaded)
    loaded = match_members(weights, loaded)
    data = group_as_trained(data, labelled, settings.groups, loaded, tell=tell)
    _check_groups(data)
    sources = families(loaded, data.samples) if settings.out_of_fold else single_sources(loaded)
    asked = Asked(settings.cache, settings.views, review)
    return appraise(data, sources, weights, asked, progress=progress), evidence


def _read(settings: ReportSettings, tell: Tell) -> tuple[FusionWeights | None, Evidence]:
    path = settings.weights
    if path is None and WEIGHTS_FILE.is_file():
        path = WEIGHTS_FILE
        tell(f"weights of {path}; others with --weights")
    if path is None:
        tell(f"no {WEIGHTS_FILE} here: all members weigh the same, threshold .5")
        return None, Evidence()
    return read_weights(path), Evidence.read(path)


def _check_groups(data: LabelledFolder) -> None:
    groups = {sample.group for sample in data.samples}
    if len(groups) < 2:
        raise DataError(
            "a report needs images of two people or more, for intervals and predictions",
            got=f"{len(data.samples)} of {len(groups)}",
            remedy="tell people apart with --groups REGEX",
        )
