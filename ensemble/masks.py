"""From soft maps on their grids to full-size masks, which exist as runs from the first moment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.upsample import argmax_segments, axis_table, threshold_runs
from ensemble.rle import Runs, empty_runs

Maps = NDArray[np.float32]


def maps_to_runs(
    maps: Sequence[Maps], limits: NDArray[np.floating], size: tuple[int, int]
) -> list[Runs]:
    """Per class the row-major runs of the pixels whose summed map is strictly above its limit.

    `maps`: one (C, h_g, w_g) float32 a grid, all with the same C. They are interpolated bilinearly
    (align_corners=False) to (H, W) = size and summed, pixel by pixel, only where that can matter.
    """
    grids = _Grids(maps, size)
    return [
        threshold_runs(flat, grids.heights, grids.widths, grids.rows, grids.columns, limit)
        for flat, limit in zip(grids.flat, limits.astype(np.float32), strict=True)
    ]


def argmax_runs(maps: Sequence[Maps], size: tuple[int, int]) -> list[Runs]:
    """Per class the row-major runs of the pixels at which its summed map is the largest.

    As `maps_to_runs`, for exclusive classes: every pixel gets one class, the first of equal ones.
    """
    grids = _Grids(maps, size)
    starts, classes = argmax_segments(
        grids.flat, grids.heights, grids.widths, grids.rows, grids.columns
    )
    segments = np.stack([starts, np.diff(starts, append=size[0] * size[1])], axis=1)
    order = np.argsort(classes, kind="stable")
    bounds = np.searchsorted(classes[order], np.arange(len(grids.flat) + 1))
    return [
        np.ascontiguousarray(segments[order[first:last]]) if last > first else empty_runs()
        for first, last in pairwise(bounds)
    ]


class _Grids:
    """The maps of an image as the kernels take them: one flat row a class, and axis tables."""

    def __init__(self, maps: Sequence[Maps], size: tuple[int, int]) -> None:
        flat = [np.ascontiguousarray(grid, np.float32).reshape(len(grid), -1) for grid in maps]
        self.flat = flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)
        self.heights = np.array([grid.shape[1] for grid in maps], np.int64)
        self.widths = np.array([grid.shape[2] for grid in maps], np.int64)
        self.rows = axis_table(self.heights, size[0])
        self.columns = axis_table(self.widths, size[1])
