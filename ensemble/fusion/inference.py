"""A member's soft map of an image: prepare, look at every view, average on the member's grid.

A member that resizes answers with one map. One that looks through windows answers with pieces of a
map of the image's own size, row of windows after row, so that the whole need not be held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ensemble.errors import EnsError
from ensemble.fusion_space import FusionSpace
from ensemble.maps.views import View, mean_over_views
from ensemble.maps.windows import WindowAxis, plan_windows
from ensemble.members.manifest import InputSpec, WindowSpec
from ensemble.members.member import Member
from ensemble.members.preprocess import standardise, to_intensities

Pixels = NDArray[np.uint8]

# Kept soft maps and the journals of interrupted predictions are taken over only under the number
# that they were made with. Raise it with every change after which the same member, image and views
# give another soft map, or the same maps another mask, be it in the last digits.
MAPS_VERSION = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """What one window adds to a map of the image's size (C, H, W).

    `maps` (C, h, w) float32 belong at rows and columns from `top`, `left` on. They are weighted,
    with `weights` (h, w) > 0: the pieces over a pixel sum to the mean of what the windows say.
    """

    maps: Tensor
    top: int
    left: int
    weights: Tensor

    def squared(self) -> Piece:
        """The same of the squares of what the window says."""
        return replace(self, maps=self.maps.square() / self.weights)


@torch.inference_mode()
def soft_map(member: Member, pixels: Pixels, views: tuple[View, ...], space: FusionSpace) -> Tensor:
    """Mean over views (C, h, w) float32, on the member's device and grid, in the fusion space.

    `pixels` (h, w, channels): the image as `prepare_image` gives it. Raises MemberError, naming the
    member, if the network cannot take a view's size or answers nonsense.
    """
    return _maps(member, torch.from_numpy(pixels[None]), views, space)[0]


def windows_over(spec: InputSpec, size: tuple[int, int]) -> Windows:
    """The windows of an input over an image of (H, W) = size; borders are always covered."""
    window = spec.window or WindowSpec()
    rows, columns = (
        plan_windows(max(length, side), side, overlap=window.overlap, weighting=window.weighting)
        for length, side in zip(size, spec.size, strict=True)
    )
    return Windows(rows, columns, size)


class Windows:
    """Windows over an image of (H, W) = `size`, all pairs of places along its two axes."""

    def __init__(self, rows: WindowAxis, columns: WindowAxis, size: tuple[int, int]) -> None:
        self._rows = rows
        self._columns = columns
        self._image_size = size

    @property
    def starts(self) -> tuple[int, ...]:
        """The first pixel row of each row of windows, rising."""
        return self._rows.starts

    @torch.inference_mode()
    def look(
        self,
        member: Member,
        pixels: Pixels,
        row: int,
        views: tuple[View, ...],
        space: FusionSpace,
    ) -> Iterator[Piece]:
        """The pieces of one row of windows, from left to right; views are taken of each window.

        `pixels` (H, W, channels) as `prepare_image` gives them. Raises MemberError as `soft_map`.
        """
        top, (height, width) = self._rows.starts[row], (self._rows.size, self._columns.size)
        down = torch.from_numpy(self._rows.weights[row]).to(member.device)
        for columns in _in_groups(range(len(self._columns.starts)), member.at_once):
            windows = np.stack(
                [
                    pixels[top : top + height, left : left + width]
                    for left in (self._columns.starts[c] for c in columns)
                ]
            )
            answers = _maps(member, torch.from_numpy(windows), views, space)
            for column, maps in zip(columns, answers, strict=True):
                across = torch.from_numpy(self._columns.weights[column]).to(member.device)
                left = self._columns.starts[column]
                weights = down[:, None] * across
                maps *= weights
                rows, last = self._image_size[0] - top, self._image_size[1] - left
                yield Piece(maps[:, :rows, :last], top, left, weights[:rows, :last])


def _in_groups(items: range, most: int) -> Iterator[range]:
    return (items[start : start + most] for start in range(0, len(items), most))


def _maps(member: Member, pixels: Tensor, views: tuple[View, ...], space: FusionSpace) -> Tensor:
    """Mean over views (N, C, h, w) of (N, h, w, channels) uint8."""
    manifest = member.manifest

    def forward(batch: Tensor) -> Tensor:
        return member.maps(standardise(batch, manifest.input), space)

    try:
        return mean_over_views(
            views,
            to_intensities(pixels.to(member.device, non_blocking=True)),
            forward,
            stride=manifest.stride,
            mirror_permutation=manifest.class_list.mirror_permutation,
            at_once=member.at_once,
        )
    except EnsError as error:
        raise error.at(member.name) from error
