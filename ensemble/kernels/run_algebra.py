"""Kernels over the ends of several lists of runs: (R, 2) int64 rows of start and length."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.rle import append_run, new_runs

_NEVER = np.iinfo(np.int64).max


@kernel
def sweep_runs(
    runs: NDArray[np.int64], bounds: NDArray[np.int64], weights: NDArray[np.int64], limit: int
) -> NDArray[np.int64]:
    """Runs of the pixels whose weight is above `limit`, which is 0 or more; no two of them touch.

    Mask k has the runs from row bounds[k] to bounds[k + 1] - 1 of `runs` (N, 2); the weight of a
    pixel is the sum of the weights (K,) of the masks that hold it, kept in whole numbers from end
    to end. Each end looks at all K masks, which is cheap for tens of them.
    """
    num_masks = weights.shape[0]
    cursors = bounds[:num_masks].copy()
    inside = np.zeros(num_masks, np.bool_)
    places = np.empty(num_masks, np.int64)
    for k in range(num_masks):
        places[k] = _next_place(runs, cursors[k], bounds[k + 1], False)
    found, count, start, weight = new_runs(), 0, -1, 0
    place = places.min() if num_masks > 0 else _NEVER
    while place < _NEVER:
        for k in range(num_masks):
            while places[k] == place:  # twice where runs of one mask touch
                weight += -weights[k] if inside[k] else weights[k]
                cursors[k] += 1 if inside[k] else 0
                inside[k] = not inside[k]
                places[k] = _next_place(runs, cursors[k], bounds[k + 1], inside[k])
        if weight > limit and start < 0:
            start = place
        elif weight <= limit and start >= 0:
            found = append_run(found, count, start, place - start)
            count += 1
            start = -1
        place = places.min()
    return found[:count].copy()


@kernel
def _next_place(runs: NDArray[np.int64], row: int, end: int, inside: bool) -> int:
    """Where the run of a row ends, or starts; far away behind the last row."""
    if row == end:
        return _NEVER
    return runs[row, 0] + runs[row, 1] if inside else runs[row, 0]


@kernel
def complement_runs(runs: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Runs of the pixels of 0..size - 1 that no run holds."""
    gaps = np.empty((runs.shape[0] + 1, 2), np.int64)
    count, end = 0, 0
    for r in range(runs.shape[0] + 1):
        start = runs[r, 0] if r < runs.shape[0] else size
        if start > end:
            gaps[count, 0] = end
            gaps[count, 1] = start - end
            count += 1
        if r < runs.shape[0]:
            end = runs[r, 0] + runs[r, 1]
    return gaps[:count].copy()


@kernel
def shared_pixels(a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    """Number of pixels that are in both lists of runs."""
    i, j, shared = 0, 0, 0
    while i < a.shape[0] and j < b.shape[0]:
        a_end, b_end = a[i, 0] + a[i, 1], b[j, 0] + b[j, 1]
        shared += max(min(a_end, b_end) - max(a[i, 0], b[j, 0]), 0)
        if a_end < b_end:
            i += 1
        else:
            j += 1
    return shared
