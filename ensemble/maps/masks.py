"""From soft maps on their grids to full-size masks, which exist as runs from the first moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import MemberError
from ensemble.kernels.argmax import argmax_segments
from ensemble.kernels.lattice import Lattice, axis_table, crop_axis
from ensemble.kernels.rle import join_touching
from ensemble.kernels.threshold import threshold_runs
from ensemble.runs.rle import Runs, encode
from ensemble.streaming import Mapper

Maps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Band:
    """Rows first..end - 1 = `rows` of an image of (H, W) = `size`, and the fused maps over them.

    `maps`: one (C, n_g, w_g) float32 a grid, all with the same C, the rows from `tops[g]` on of a
    grid of `heights[g]` rows. They are interpolated bilinearly (align_corners=False) to the size of
    the image and summed, pixel by pixel, only where that can matter. `squares`: those of members'
    maps, fused alike, if anybody asked for them.
    """

    maps: tuple[Maps, ...]
    size: tuple[int, int]
    rows: tuple[int, int]
    tops: tuple[int, ...]
    heights: tuple[int, ...]
    squares: tuple[Maps, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether no rows of its image come after it."""
        return self.rows[1] == self.size[0]


def whole_image(maps: Sequence[Maps], size: tuple[int, int]) -> Band:
    """All rows of an image as one band of whole grids."""
    heights = tuple(grid.shape[1] for grid in maps)
    return Band(tuple(maps), size, (0, size[0]), (0,) * len(maps), heights)


def maps_to_runs(
    maps: Sequence[Maps],
    limits: NDArray[np.floating],
    size: tuple[int, int],
    *,
    mapper: Mapper = map,
) -> list[Runs]:
    """Per class the row-major runs of the pixels whose summed map is strictly above its limit.

    `maps`: one (C, h_g, w_g) float32 a grid, interpolated and summed as a `Band` says. Raises
    MemberError for a map that is not finite.
    """
    return band_runs(whole_image(maps, size), limits, mapper=mapper)


def argmax_runs(maps: Sequence[Maps], size: tuple[int, int]) -> list[Runs]:
    """Per class the row-major runs of the pixels at which its summed map is the largest.

    As `maps_to_runs`, for exclusive classes: every pixel gets one class, the first of equal ones.
    """
    return band_argmax(whole_image(maps, size))


def band_runs(band: Band, limits: NDArray[np.floating], *, mapper: Mapper = map) -> list[Runs]:
    """`maps_to_runs` of a band: runs along the image, (C,)."""
    limits = limits.astype(np.float32)
    if len(band.maps) == 1 and (band.heights[0], band.maps[0].shape[2]) == tuple(band.size):
        runs_of = partial(_full_size_runs, band.maps[0], limits)
    else:
        runs_of = partial(_class_runs, _flat_grids(band), _lattice_of(band), limits)
    return [_moved(runs, band) for runs in mapper(runs_of, range(len(limits)))]


def band_argmax(band: Band) -> list[Runs]:
    """`argmax_runs` of a band: runs along the image, (C,)."""
    flat = _end_to_end(_flat_grids(band))
    starts, classes, finite = argmax_segments(flat, _lattice_of(band))
    if not finite:
        raise not_finite()
    num_pixels = (band.rows[1] - band.rows[0]) * band.size[1]
    segments = np.stack([starts, np.diff(starts, append=num_pixels)], axis=1)
    order = np.argsort(classes, kind="stable")
    bounds = np.searchsorted(classes[order], np.arange(len(flat) + 1))
    return [_moved(segments[order[first:last]], band) for first, last in pairwise(bounds)]


def join_bands(bands: Sequence[Sequence[Runs]]) -> list[Runs]:
    """Runs of an image per class from those of its bands, from top to bottom."""
    if len(bands) == 1:
        return list(bands[0])
    return [join_touching(np.concatenate(parts)) for parts in zip(*bands, strict=True)]


def _moved(runs: Runs, band: Band) -> Runs:
    """Runs of a band as runs of its image."""
    if band.rows[0] == 0:
        return runs
    return runs + np.array([band.rows[0] * band.size[1], 0], np.int64)


def _full_size_runs(maps: Maps, limits: Maps, c: int) -> Runs:
    """Nothing to interpolate: compare, and encode."""
    if not (np.isfinite(maps[c].min()) and np.isfinite(maps[c].max())):
        raise not_finite()
    return encode(maps[c] > limits[c])


def _class_runs(grids: Sequence[Maps], lattice: Lattice, limits: Maps, c: int) -> Runs:
    maps = _end_to_end([grid[c] for grid in grids])  # class by class, while it is in the cache
    runs, finite = threshold_runs(maps, lattice, limits[c])
    if not finite:
        raise not_finite()
    return runs


def _flat_grids(band: Band) -> list[Maps]:
    """Maps as the kernels take them, (C, n) a grid."""
    return [np.ascontiguousarray(grid, np.float32).reshape(len(grid), -1) for grid in band.maps]


def _end_to_end(grids: Sequence[Maps]) -> Maps:
    """The flat grids one after the other."""
    return grids[0] if len(grids) == 1 else np.concatenate(grids, axis=-1)


def _lattice_of(band: Band) -> Lattice:
    held = np.array([grid.shape[1] for grid in band.maps], np.int64)
    widths = np.array([grid.shape[2] for grid in band.maps], np.int64)
    rows = axis_table(np.array(band.heights, np.int64), band.size[0])
    if band.rows != (0, band.size[0]):
        rows = crop_axis(rows, *band.rows, np.array(band.tops, np.int64), held)
    return Lattice(held, widths, rows, axis_table(widths, band.size[1]))


def all_classes(band: Band) -> tuple[Maps, Lattice]:
    """Maps (C, n) of a band, grid after grid, as the kernels take them class by class."""
    return _end_to_end(_flat_grids(band)), _lattice_of(band)


def one_class(grids: Sequence[Maps], size: tuple[int, int]) -> tuple[Maps, Lattice]:
    """Maps (1, h_g, w_g) of one class under a whole image, as the kernels take them."""
    flat, lattice = all_classes(whole_image(grids, size))
    return flat[0], lattice


def not_finite() -> MemberError:
    """What to raise for maps that hold NaN or infinity."""
    return MemberError("a soft map is not finite (NaN or infinite)")
