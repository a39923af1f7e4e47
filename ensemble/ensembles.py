"""Several members that answer as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion import FusedMaps, FusedRows, MemberShare, fused_runs, plan_shares
from ensemble.images import Image
from ensemble.inference import Pixels, soft_map, windows_over
from ensemble.masks import Band, join_bands, whole_image
from ensemble.members.manifest import InputSpec
from ensemble.members.member import FusionSpace, Member
from ensemble.members.preprocess import prepare_image
from ensemble.members.roster import choose_device, find_members, load_members, merge_class_lists
from ensemble.rle import Runs
from ensemble.views import format_views, parse_views
from ensemble.weights import FusionWeights, match_members, read_weights, uniform_weights


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """What is left of a decoded image of (H, W) = `size`: the pixels that each input looks at."""

    size: tuple[int, int]
    pixels: Mapping[InputSpec, Pixels]


@dataclass(frozen=True, slots=True)
class _Part:
    member: Member
    share: MemberShare

    @property
    def input(self) -> InputSpec:
        return self.member.manifest.input


class Ensemble:
    """Members with weights and views: answers an image with the masks of its classes.

    `weights` decides which members take part and in which order; members that weigh nothing for
    any class are left out. Raises WeightsError or MemberError where the parts do not fit.

    An image goes through in three steps, which may run in different threads: `prepare` it, `fuse`
    what the members say of it, one band of rows after the other, and make `masks` of each band.
    """

    def __init__(
        self,
        members: Sequence[Member],
        weights: FusionWeights,
        *,
        views: str | None = None,
    ) -> None:
        ordered = match_members(weights, members)
        self.weights = weights
        self.views = parse_views(weights.views if views is None else views)
        self.exclusive = merge_class_lists(ordered).exclusive
        shares = plan_shares(weights, [member.manifest.class_list for member in ordered])
        parts = [_Part(m, share) for m, share in zip(ordered, shares, strict=True) if len(share)]
        self._parts = parts
        self._resizing = [part for part in parts if part.input.window is None]
        self._windowed = [part for part in parts if part.input.window is not None]

    def predict(self, image: Image) -> list[Runs]:
        """Masks of an image: runs, one entry a class in the order of `weights.class_names`."""
        return join_bands([self.masks(band) for band in self.fuse(self.prepare(image))])

    def prepare(self, image: Image) -> PreparedImage:
        """Bring an image to the inputs of all members, each different one once."""
        inputs = {part.input for part in self._parts}
        pixels = {spec: prepare_image(image, spec) for spec in inputs}
        return PreparedImage((image.shape[0], image.shape[1]), pixels)

    def fuse(self, image: PreparedImage) -> Iterator[Band]:
        """Fused maps of an image, from top to bottom; a single band where no member has windows."""
        fused = FusedMaps(len(self.weights.class_names))
        for part in self._resizing:
            maps = soft_map(part.member, image.pixels[part.input], self.views, self.weights.space)
            fused.add(maps, part.share)
        whole = whole_image(fused.result(), image.size)
        if not self._windowed:
            yield whole
            return
        top = 0
        for rows in self._fuse_windows(image):
            end = top + rows.shape[1]
            yield replace(
                whole,
                maps=(*whole.maps, rows),
                rows=(top, end),
                tops=(*whole.tops, top),
                heights=(*whole.heights, image.size[0]),
            )
            top = end

    def _fuse_windows(self, image: PreparedImage) -> Iterator[NDArray[np.float32]]:
        """Rows (C, n, W) of the windowed members' weighted sum, as soon as no window adds to them.

        Rows of windows are looked at in the order of their tops, whichever member they are of.
        """
        looks = [
            (top, row, part, windows)
            for part in self._windowed
            for windows in [windows_over(part.input, image.size)]
            for row, top in enumerate(windows.starts)
        ]
        looks.sort(key=lambda look: look[0])
        tallest = max(part.input.size[0] for part in self._windowed)
        fused = FusedRows(
            len(self.weights.class_names),
            min(tallest, image.size[0]),
            image.size[1],
            self._windowed[0].member.device,
        )
        ends = [top for top, *_ in looks[1:]] + [image.size[0]]
        for (top, row, part, windows), end in zip(looks, ends, strict=True):
            pixels = image.pixels[part.input]
            for piece in windows.look(part.member, pixels, row, self.views, self.weights.space):
                fused.add(piece, part.share)
            if end > top:
                yield fused.take(end)

    def masks(self, band: Band) -> list[Runs]:
        """Masks of a band of rows: runs along the whole image, one entry a class."""
        return fused_runs(band, self.weights, exclusive=self.exclusive)

    def settings(self) -> dict[str, Any]:
        """All that the masks of an image depend on, in plain types."""
        return {
            "members": [part.member.sha256 for part in self._parts],
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
