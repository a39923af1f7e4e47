"""Which labelled images belong together, as whoever tunes or reports says, or the members do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ensemble.data.datasets import LabelledFolder, open_labelled
from ensemble.errors import ConfigError, DataError
from ensemble.members.member import Member
from ensemble.members.training_summary import stated_groups
from ensemble.progress import Tell
from ensemble.wording import counted


def group_as_trained(
    data: LabelledFolder,
    labelled: Path,
    given: str | None,
    members: Sequence[Member],
    *,
    tell: Tell,
) -> LabelledFolder:
    """A folder, opened anew with the groups that the members state unless others were given.

    `tell` hears how many groups there are and what says so. Raises ConfigError or DataError where
    the members' groups do not fit the images.
    """
    stated = None if given else stated_groups(member.manifest for member in members)
    if stated is not None:
        data = _regroup(labelled, stated)
        source = f"groups '{stated}' from the members"
    else:
        source = "by folder, else by name" if given is None else f"groups '{given}'"
    groups = counted(len({sample.group for sample in data.samples}), "group")
    tell(f"{counted(len(data.samples), 'image')} of {groups} ({source})")
    return data


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
