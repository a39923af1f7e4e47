"""Weighted fusion of soft maps: one accumulator a grid, members folded in one at a time.

S[c] = sum over m of w[m, c] U(s[m, c]) / sum over m of w[m, c], U the interpolation to full size.
The sum over members and U are linear and commute, so members of one grid are summed there, and U
is left to the kernel that turns the sums into masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ensemble.classes import ClassList
from ensemble.fusion.inference import Piece
from ensemble.fusion.weights import FusionWeights
from ensemble.fusion_space import limits_of
from ensemble.maps.masks import Band, band_argmax, band_runs
from ensemble.runs.rle import Runs, area
from ensemble.streaming import Mapper

Grid = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MemberShare:
    """What a member gives: its output channels, the classes they go to, and with which weight.

    `channels`, `classes` (n,) int64 and `weights` (n,) float32; classes without a weight left out.
    """

    channels: Tensor
    classes: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def is_plain(self) -> bool:
        """Whether channel c goes to class c, for the first n of both."""
        order = torch.arange(len(self.classes))
        return torch.equal(self.channels, order) and torch.equal(self.classes, order)


def plan_shares(weights: FusionWeights, member_classes: Sequence[ClassList]) -> list[MemberShare]:
    """The share of each member, with weights normalised so that those of a class sum to 1.

    `member_classes`: the class list of each member's output, in the order of the weights.
    """
    normalised = weights.weights / weights.weights.sum(0)
    return [
        _share(row, weights.class_names, classes)
        for row, classes in zip(normalised, member_classes, strict=True)
    ]


class FusedMaps:
    """Accumulates the weighted soft maps of one image; memory is C h w float32 a grid.

    With `squares` also the squares of the maps are, for as much memory again.
    """

    def __init__(self, num_classes: int, *, squares: bool = False) -> None:
        self._num_classes = num_classes
        self._sums: dict[Grid, Tensor] = {}
        self._squares = FusedMaps(num_classes) if squares else None

    @torch.inference_mode()
    def add(self, soft_map: Tensor, share: MemberShare) -> None:
        """Add a member's soft map (C_m, h, w) float32 in place, on the device of its grid."""
        grid = (soft_map.shape[1], soft_map.shape[2])
        if grid not in self._sums:
            self._sums[grid] = _zeros_like(soft_map, self._num_classes)
        total = self._sums[grid]
        _add(total, soft_map.to(total.device), share)
        if self._squares is not None:
            self._squares.add(soft_map.square(), share)

    def to_cpu(self) -> None:
        """Leave the device, as members do that take turns; what is added later is brought along."""
        self._sums = {grid: total.cpu() for grid, total in self._sums.items()}
        if self._squares is not None:
            self._squares.to_cpu()

    def result(self) -> list[NDArray[np.float32]]:
        """One (C, h, w) float32 array a grid; the fused map is the sum of their interpolations."""
        return [total.cpu().contiguous().numpy() for total in self._sums.values()]

    def squares(self) -> list[NDArray[np.float32]]:
        """As `result`, of the squares; nothing if they were not asked for."""
        return [] if self._squares is None else self._squares.result()


class FusedRows:
    """Accumulates weighted pieces of maps of the image's own size, from top to bottom.

    Only `height` rows are held: those from the last taken on. Memory is C height W float32. The
    squares of pieces make `FusedRows` of their own.
    """

    def __init__(self, num_classes: int, height: int, width: int, device: torch.device) -> None:
        self._sums = torch.zeros((num_classes, height, width), device=device)
        self._top = 0

    @torch.inference_mode()
    def add(self, piece: Piece, share: MemberShare) -> None:
        """Add a window's piece in place; it must lie within the rows that are held."""
        top, (height, width) = piece.top - self._top, piece.maps.shape[1:]
        place = self._sums[:, top : top + height, piece.left : piece.left + width]
        _add(place, piece.maps.to(self._sums.device), share)

    @property
    def top(self) -> int:
        """The first row that was not taken yet."""
        return self._top

    def take(self, end: int) -> NDArray[np.float32]:
        """The rows (C, n, W) up to `end` that were not taken yet; nothing may be added to them."""
        count = end - self._top
        taken = self._sums[:, :count].cpu().numpy().copy()
        self._sums = torch.cat([self._sums[:, count:], torch.zeros_like(self._sums[:, :count])], 1)
        self._top = end
        return taken


def _zeros_like(soft_map: Tensor, num_classes: int) -> Tensor:
    """Zeros (C, h, w) that lie in memory as a soft map does: sums of alike are ten times faster."""
    _, height, width = soft_map.shape
    if soft_map.stride(0) == 1:
        return soft_map.new_zeros((height, width, num_classes)).permute(2, 0, 1)
    return soft_map.new_zeros((num_classes, height, width))


def _add(total: Tensor, maps: Tensor, share: MemberShare) -> None:
    """Add the classes of a member's maps with their weights to a total (C, h, w), in place."""
    device = maps.device
    weights = share.weights.to(device)[:, None, None]
    if share.is_plain and len(share) == len(total) == len(maps):
        total.addcmul_(maps, weights)
    else:
        total.index_add_(0, share.classes.to(device), maps[share.channels.to(device)] * weights)


@dataclass(frozen=True, slots=True)
class BandMasks:
    """Masks of a band of rows: runs along the image, one entry a class.

    `sure_px` (C,) int64: how many pixels of the band lie above the sure threshold of the class's
    filter, 0 where it has none.
    """

    runs: list[Runs]
    sure_px: NDArray[np.int64]


def fused_masks(
    band: Band, weights: FusionWeights, *, exclusive: bool, mapper: Mapper = map
) -> BandMasks:
    """Masks of a band of rows: each class above its threshold, or the largest of all.

    Classes that overlap go through `mapper`.
    """
    if exclusive:
        return BandMasks(band_argmax(band), np.zeros(len(weights.class_names), np.int64))
    runs = band_runs(band, limits_of(weights.thresholds, weights.space), mapper=mapper)
    return BandMasks(runs, _sure_px(band, weights, mapper))


def _sure_px(band: Band, weights: FusionWeights, mapper: Mapper) -> NDArray[np.int64]:
    counts = np.zeros(len(weights.class_names), np.int64)
    asking = [c for c, each in enumerate(weights.filters) if each.min_sure_px]
    if asking:
        thresholds = np.array([weights.filters[c].sure_threshold for c in asking])
        asked = replace(band, maps=tuple(grid[asking] for grid in band.maps))
        sure = band_runs(asked, limits_of(thresholds, weights.space), mapper=mapper)
        counts[asking] = [area(runs) for runs in sure]
    return counts


def _share(
    row: NDArray[np.float64], class_names: tuple[str, ...], classes: ClassList
) -> MemberShare:
    taking = [c for c, weight in enumerate(row) if weight > 0]
    return MemberShare(
        channels=torch.tensor([classes.index(class_names[c]) for c in taking], dtype=torch.int64),
        classes=torch.tensor(taking, dtype=torch.int64),
        weights=torch.tensor(row[taking], dtype=torch.float32),
    )
