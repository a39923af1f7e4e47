"""Graded overlap from counted tuples: at one point of (weights, threshold), and along a line.

Along a line in (w, t) the quantity sum over members of w_m * (q_m - t) of a tuple is linear, so a
tuple changes side at most once, and the mean score is a step function of the place on the line.
"""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.dice import graded
from ensemble.kernels.jit import kernel

# A line is cut into 2 ** 14 cells; its profile is exact at all their borders. Steps that are
# narrower than a cell, 0.00006 of a weight, are no places to stay on.
CELL_BITS = 14
NUM_CELLS = 1 << CELL_BITS
_RADIX_BITS = 7


@kernel
def unit_counts(
    values: NDArray[np.uint8],
    counts: NDArray[np.int32],
    units: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    weights: NDArray[np.float64],
    threshold: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Area, hits and true area (n, 3) where a tuple is foreground if sum w * q > t * sum w.

    `values` (M, T), `counts` (2, T): pixels, and pixels that are foreground in truth.
    `units`: the chosen units (n,), tuple offsets (U + 1,), decided (U, 3): foreground, its hits,
    true area. `weights` (n, M) and `threshold` (n,), in the units of `values`, one row a unit.
    """
    chosen, offsets, decided = units
    found = np.empty((chosen.shape[0], 3), np.int64)
    fused = np.empty(_longest(chosen, offsets), np.float64)
    for n in range(chosen.shape[0]):
        u = chosen[n]
        first, last = offsets[u], offsets[u + 1]
        _project(values[:, first:last], weights[n], 0.0, fused)
        limit = threshold[n] * weights[n].sum()
        total, positive = counts[0, first:last], counts[1, first:last]
        area, hits = decided[u, 0], decided[u, 1]
        for k in range(total.shape[0]):  # without a branch: many at a time
            is_above = fused[k] > limit
            area += np.int64(total[k]) if is_above else np.int64(0)
            hits += np.int64(positive[k]) if is_above else np.int64(0)
        found[n] = area, hits, decided[u, 2]
    return found


@kernel
def _longest(chosen: NDArray[np.int64], offsets: NDArray[np.int64]) -> int:
    """The most tuples of a chosen unit."""
    longest = 0
    for u in chosen:
        longest = max(longest, offsets[u + 1] - offsets[u])
    return longest


@kernel
def sweep_line(
    tuples: tuple[NDArray[np.uint8], NDArray[np.int32]],
    units: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    start: tuple[NDArray[np.float64], float],
    direction: tuple[NDArray[np.float64], float],
    span: tuple[float, float],
    grading: tuple[NDArray[np.int64], NDArray[np.float64], bool],
) -> NDArray[np.float64]:
    """Weighted sum of the scores of blocks of units at the NUM_CELLS + 1 cell borders of a line.

    The line is start + place * direction, place in span = (low, high); `start` and `direction`
    are weights (n, M), one row a unit, and a threshold. A direction may move both only where its
    weights sum to 0 in every unit, else the tuples would not be linear on it.
    `grading`: blocks (B,), how many of the chosen units, one after the other, are scored together
    each, the weights (B,) of those scores, and whether they are IoU, not Dice. `tuples` are values
    and counts; they and `units` are as in `unit_counts`.
    """
    (values, counts), (blocks, block_weights, is_iou) = tuples, grading
    chosen, offsets, decided = units
    longest, largest = _longest(chosen, offsets), _largest(blocks, chosen, offsets)
    base = np.empty(longest, np.float64)
    slope = np.empty(longest, np.float64)
    keys = np.empty((2, largest), np.int32)
    events = np.empty((2, largest), np.int64)
    steps = np.zeros(NUM_CELLS + 1, np.float64)
    n = 0
    for b in range(blocks.shape[0]):
        area, hits, true_area, found = 0, 0, 0, 0
        for _ in range(blocks[b]):
            u = chosen[n]
            first, last = offsets[u], offsets[u + 1]
            _project(values[:, first:last], start[0][n], start[1], base)
            _project(values[:, first:last], direction[0][n], start[1], slope)
            drift = direction[1] * start[0][n].sum()
            area += decided[u, 0]
            hits += decided[u, 1]
            true_area += decided[u, 2]
            for k in range(last - first):
                tilt = slope[k] - drift
                at_low = base[k] + span[0] * tilt > 0
                at_high = base[k] + span[1] * tilt > 0
                if at_low:
                    area += counts[0, first + k]
                    hits += counts[1, first + k]
                if at_low != at_high:
                    place = (-base[k] / tilt - span[0]) / (span[1] - span[0])
                    keys[0, found] = min(max(int(place * NUM_CELLS), 0), NUM_CELLS - 1)
                    events[0, found] = first + k if at_high else -1 - (first + k)
                    found += 1
            n += 1
        sort_events(keys, events, found)
        steps[0] += block_weights[b] * graded(hits, area, true_area, is_iou)
        at_start = (hits, area, true_area)
        grade = (block_weights[b], is_iou)
        _add_steps(counts, (keys[0, :found], events[0, :found]), at_start, grade, steps)
    return np.cumsum(steps)


@kernel
def _largest(
    blocks: NDArray[np.int64], chosen: NDArray[np.int64], offsets: NDArray[np.int64]
) -> int:
    """The most tuples of a block."""
    largest, n = 0, 0
    for size in blocks:
        total = 0
        for _ in range(size):
            total += offsets[chosen[n] + 1] - offsets[chosen[n]]
            n += 1
        largest = max(largest, total)
    return largest


@kernel
def _project(
    values: NDArray[np.uint8],
    weights: NDArray[np.float64],
    threshold: float,
    out: NDArray[np.float64],
) -> None:
    """Sum over members of w * (q - t) into out[:n], for values (M, n)."""
    count = values.shape[1]
    out[:count] = -threshold * weights.sum()
    for m in range(values.shape[0]):
        weight = weights[m]
        if weight == 0:
            continue
        for k in range(count):
            out[k] += weight * values[m, k]


@kernel
def sort_events(keys: NDArray[np.int32], events: NDArray[np.int64], count: int) -> None:
    """Sort keys[0, :count] with their events; row 1 of both is work space."""
    buckets = 1 << _RADIX_BITS
    ends = np.empty(buckets + 1, np.int64)
    for turn in range(2):
        source, target = turn, 1 - turn
        shift = turn * _RADIX_BITS
        ends[:] = 0
        for i in range(count):
            ends[((keys[source, i] >> shift) & (buckets - 1)) + 1] += 1
        for b in range(buckets):
            ends[b + 1] += ends[b]
        for i in range(count):
            bucket = (keys[source, i] >> shift) & (buckets - 1)
            keys[target, ends[bucket]] = keys[source, i]
            events[target, ends[bucket]] = events[source, i]
            ends[bucket] += 1


@kernel
def _add_steps(
    counts: NDArray[np.int32],
    crossings: tuple[NDArray[np.int32], NDArray[np.int64]],
    at_low: tuple[int, int, int],
    grade: tuple[float, bool],
    steps: NDArray[np.float64],
) -> None:
    """Add to steps[cell + 1] by how much one block's score changes inside the cell."""
    (keys, events), (weight, is_iou) = crossings, grade
    hits, area, true_area = at_low
    before = graded(hits, area, true_area, is_iou)
    i = 0
    while i < keys.shape[0]:
        cell = keys[i]
        while i < keys.shape[0] and keys[i] == cell:
            if events[i] >= 0:
                area += counts[0, events[i]]
                hits += counts[1, events[i]]
            else:
                area -= counts[0, -1 - events[i]]
                hits -= counts[1, -1 - events[i]]
            i += 1
        after = graded(hits, area, true_area, is_iou)
        steps[cell + 1] += weight * (after - before)
        before = after


@kernel
def widest_plateau(profile: NDArray[np.float64], slack: float) -> int:
    """Index in the middle of the widest stretch that stays within slack of the maximum."""
    floor = profile.max() - slack
    best_first, best_last = 0, -1
    first = -1
    for i in range(profile.shape[0] + 1):
        inside = i < profile.shape[0] and profile[i] >= floor
        if inside and first < 0:
            first = i
        if not inside and first >= 0:
            if i - 1 - first > best_last - best_first:
                best_first, best_last = first, i - 1
            first = -1
    return (best_first + best_last) // 2
