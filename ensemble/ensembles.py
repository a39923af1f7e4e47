"""Several members that answer as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion import FusedMaps, MemberShare, fused_runs, plan_shares
from ensemble.images import Image
from ensemble.inference import soft_map
from ensemble.members.member import FusionSpace, Member
from ensemble.members.roster import choose_device, find_members, load_members, merge_class_lists
from ensemble.rle import Runs
from ensemble.views import View, format_views, parse_views
from ensemble.weights import FusionWeights, match_members, read_weights, uniform_weights


class Ensemble:
    """Members with weights and views: answers an image with the masks of its classes.

    `weights` decides which members take part and in which order; members that weigh nothing for
    any class are left out. Raises WeightsError or MemberError where the parts do not fit.
    """

    def __init__(
        self, members: Sequence[Member], weights: FusionWeights, *, views: str | None = None
    ) -> None:
        ordered = match_members(weights, members)
        self.weights = weights
        self.views: tuple[View, ...] = parse_views(weights.views if views is None else views)
        self.exclusive = merge_class_lists(ordered).exclusive
        shares = plan_shares(weights, [member.manifest.class_list for member in ordered])
        self._parts: list[tuple[Member, MemberShare]] = [
            (member, share) for member, share in zip(ordered, shares, strict=True) if len(share)
        ]

    def fuse(self, image: Image) -> list[NDArray[np.float32]]:
        """Fused maps of an image: one (C, h, w) float32 a grid, to be interpolated and summed."""
        fused = FusedMaps(len(self.weights.class_names))
        for member, share in self._parts:
            fused.add(soft_map(member, image, self.views, self.weights.space), share)
        return fused.result()

    def masks(self, maps: Sequence[NDArray[np.float32]], size: tuple[int, int]) -> list[Runs]:
        """Masks of (H, W) = size of fused maps: runs, one entry a class."""
        return fused_runs(maps, self.weights, size, exclusive=self.exclusive)

    def settings(self) -> dict[str, Any]:
        """All that the masks of an image depend on, in plain types."""
        return {
            "members": [member.sha256 for member, _ in self._parts],
            "classes": list(self.weights.class_names),
            "weights": self.weights.weights.tolist(),
            "thresholds": self.weights.thresholds.tolist(),
            "space": self.weights.space,
            "views": format_views(self.views),
        }


def load_ensemble(
    members: Sequence[str] = (),
    weights_file: Path | None = None,
    *,
    views: str | None = None,
    space: FusionSpace | None = None,
    device: str = "auto",
) -> Ensemble:
    """Find members by their specs, load them, and fuse them by a weights file or uniformly.

    Without specs: the members of the weights file, or all of members/. `views` and `space`
    override the weights file.
    """
    weights = None if weights_file is None else read_weights(weights_file)
    if views is not None:
        parse_views(views)  # a typing error is cheaper before the members are loaded
    specs = members or (weights.members if weights else ())
    loaded = load_members(find_members(specs), choose_device(device))
    weights = weights or uniform_weights(loaded)
    return Ensemble(loaded, replace(weights, space=space or weights.space), views=views)
