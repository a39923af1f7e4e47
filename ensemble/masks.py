"""From soft maps on their grids to full-size masks, which exist as runs from the first moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import MemberError
from ensemble.kernels.argmax import argmax_segments
from ensemble.kernels.lattice import Lattice, axis_table
from ensemble.kernels.threshold import threshold_runs
from ensemble.rle import Runs, empty_runs, encode

Maps = NDArray[np.float32]
# How a function is run for each class: `map`, or the `map` of a pool of threads.
Mapper = Callable[[Callable[[int], Runs], Iterable[int]], Iterable[Runs]]


def maps_to_runs(
    maps: Sequence[Maps],
    limits: NDArray[np.floating],
    size: tuple[int, int],
    *,
    mapper: Mapper = map,
) -> list[Runs]:
    """Per class the row-major runs of the pixels whose summed map is strictly above its limit.

    `maps`: one (C, h_g, w_g) float32 a grid, all with the same C. They are interpolated bilinearly
    (align_corners=False) to (H, W) = size and summed, pixel by pixel, only where that can matter.
    Raises MemberError for a map that is not finite.
    """
    limits = limits.astype(np.float32)
    if len(maps) == 1 and maps[0].shape[1:] == tuple(size):
        return list(mapper(partial(_full_size_runs, maps[0], limits), range(len(limits))))
    flat, lattice = _flatten(maps, size)
    return list(mapper(partial(_class_runs, flat, lattice, limits), range(len(limits))))


def argmax_runs(maps: Sequence[Maps], size: tuple[int, int]) -> list[Runs]:
    """Per class the row-major runs of the pixels at which its summed map is the largest.

    As `maps_to_runs`, for exclusive classes: every pixel gets one class, the first of equal ones.
    """
    flat, lattice = _flatten(maps, size)
    starts, classes, finite = argmax_segments(flat, lattice)
    if not finite:
        raise _not_finite()
    segments = np.stack([starts, np.diff(starts, append=size[0] * size[1])], axis=1)
    order = np.argsort(classes, kind="stable")
    bounds = np.searchsorted(classes[order], np.arange(len(flat) + 1))
    return [
        np.ascontiguousarray(segments[order[first:last]]) if last > first else empty_runs()
        for first, last in pairwise(bounds)
    ]


def _full_size_runs(maps: Maps, limits: Maps, c: int) -> Runs:
    """Nothing to interpolate: compare, and encode."""
    if not (np.isfinite(maps[c].min()) and np.isfinite(maps[c].max())):
        raise _not_finite()
    return encode(maps[c] > limits[c])


def _class_runs(flat: Maps, lattice: Lattice, limits: Maps, c: int) -> Runs:
    runs, finite = threshold_runs(flat[c], lattice, limits[c])
    if not finite:
        raise _not_finite()
    return runs


def _flatten(maps: Sequence[Maps], size: tuple[int, int]) -> tuple[Maps, Lattice]:
    """Maps as the kernels take them: (C, n), the grids of a class one after the other."""
    flat = [np.ascontiguousarray(grid, np.float32).reshape(len(grid), -1) for grid in maps]
    heights = np.array([grid.shape[1] for grid in maps], np.int64)
    widths = np.array([grid.shape[2] for grid in maps], np.int64)
    lattice = Lattice(heights, widths, axis_table(heights, size[0]), axis_table(widths, size[1]))
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1), lattice


def _not_finite() -> MemberError:
    return MemberError("a soft map is not finite (NaN or infinite)")
