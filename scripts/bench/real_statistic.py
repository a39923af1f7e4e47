"""What tuning keeps of a real validation folder whose soft maps are in its cache."""

from __future__ import annotations

from pathlib import Path

from ensemble.data.datasets import open_labelled
from ensemble.fusion.soft_maps import SoftMapCache
from ensemble.members.roster import choose_device, find_members, load_members
from ensemble.progress import silent
from ensemble.tuning.material import gather
from ensemble.tuning.rules import ThresholdRange
from ensemble.tuning.sources import single_sources
from ensemble.tuning.statistic import TupleStatistic
from ensemble.tuning.stored_maps import StoredMaps


def xray_statistic(folder: Path, views: str = "hflip") -> TupleStatistic:
    """The statistic of folder/val under folder/members."""
    data = open_labelled(folder / "val")
    members = load_members(
        find_members([str(folder / "members")]), choose_device("auto"), released=True
    )
    stored = StoredMaps(single_sources(members), views, SoftMapCache(folder / ".ens-cache"))
    statistic = gather(data, stored, ThresholdRange(), progress=silent).statistic
    if not isinstance(statistic, TupleStatistic):
        raise SystemExit(f"{folder} has exclusive classes, which have one objective together")
    return statistic
