"""From soft maps on their grids straight to runs of full-size masks.

A pixel's value is the sum over grids of the bilinear interpolation (align_corners=False) of its
grid. A bilinear value lies between its corners, so the corners' extremes bound whole rows and
whole blocks of pixels; only the pixels of blocks that the bounds leave open are computed. Nothing
of full size is ever stored but one row.

The grids of a class lie one after the other in flat memory, (h_g * w_g) each; an axis table gives
for each full-size pixel and grid the lower source index, the upper one, and the upper one's weight.
"""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.rle import append_run, new_runs

_BLOCK = 16

Flat = NDArray[np.float32]
Indices = NDArray[np.int64]
Weights = NDArray[np.float32]


@kernel
def axis_table(sources: Indices, full: int) -> tuple[Indices, Indices, Weights]:
    """Lower index, upper index (G, full) int64 and upper weight (G, full) float32 along one axis.

    sources (G,) are the grids' lengths; the rule is torch's: src = max((x + .5) * w / W - .5, 0).
    """
    num_grids = sources.shape[0]
    lower = np.empty((num_grids, full), np.int64)
    upper = np.empty((num_grids, full), np.int64)
    weight = np.empty((num_grids, full), np.float32)
    for g in range(num_grids):
        ratio = sources[g] / full
        for x in range(full):
            source = max((x + 0.5) * ratio - 0.5, 0.0)
            low = min(int(source), sources[g] - 1)
            lower[g, x] = low
            upper[g, x] = min(low + 1, sources[g] - 1)
            weight[g, x] = source - low
    return lower, upper, weight


@kernel
def _row_extremes(
    maps: Flat, heights: Indices, widths: Indices
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smallest and largest value of each row of each grid, (G, max height) float32."""
    num_grids = heights.shape[0]
    lows = np.empty((num_grids, heights.max()), np.float32)
    highs = np.empty((num_grids, heights.max()), np.float32)
    first = 0
    for g in range(num_grids):
        for y in range(heights[g]):
            row = maps[first : first + widths[g]]
            low = high = row[0]
            for value in row:
                low = min(low, value)
                high = max(high, value)
            lows[g, y] = low
            highs[g, y] = high
            first += widths[g]
    return lows, highs


@kernel
def _interpolate_row(
    maps: Flat,
    heights: Indices,
    widths: Indices,
    y: int,
    rows: tuple[Indices, Indices, Weights],
    line: NDArray[np.float32],
) -> None:
    """Interpolate all grids down to full-size row y; their lines stand one after the other."""
    first, at = 0, 0
    for g in range(heights.shape[0]):
        low = first + rows[0][g, y] * widths[g]
        high = first + rows[1][g, y] * widths[g]
        weight = rows[2][g, y]
        for x in range(widths[g]):
            a = maps[low + x]
            line[at + x] = a + weight * (maps[high + x] - a)
        at += widths[g]
        first += heights[g] * widths[g]


@kernel
def _bounds(
    line: NDArray[np.float32],
    widths: Indices,
    columns: tuple[Indices, Indices, Weights],
    first: int,
    last: int,
) -> tuple[np.float32, np.float32]:
    """Bounds of the values of full-size pixels first..last of an interpolated row."""
    lowest, highest = np.float32(0), np.float32(0)
    at = 0
    for g in range(widths.shape[0]):
        low = high = line[at + columns[0][g, first]]
        for x in range(at + columns[0][g, first] + 1, at + columns[1][g, last] + 1):
            low = min(low, line[x])
            high = max(high, line[x])
        lowest += low
        highest += high
        at += widths[g]
    return lowest, highest


@kernel
def _value(
    line: NDArray[np.float32],
    widths: Indices,
    columns: tuple[Indices, Indices, Weights],
    x: int,
) -> np.float32:
    """The value of full-size pixel x of an interpolated row."""
    total = np.float32(0)
    at = 0
    for g in range(widths.shape[0]):
        a = line[at + columns[0][g, x]]
        total += a + columns[2][g, x] * (line[at + columns[1][g, x]] - a)
        at += widths[g]
    return total


@kernel
def threshold_runs(
    maps: Flat,
    heights: Indices,
    widths: Indices,
    rows: tuple[Indices, Indices, Weights],
    columns: tuple[Indices, Indices, Weights],
    limit: np.float32,
) -> NDArray[np.int64]:
    """Row-major runs (R, 2) of the full-size pixels of one class whose value is above the limit."""
    height, width = rows[0].shape[1], columns[0].shape[1]
    lows, highs = _row_extremes(maps, heights, widths)
    line = np.empty(widths.sum(), np.float32)
    runs, count, start = new_runs(), 0, -1
    for y in range(height):
        lowest, highest = np.float32(0), np.float32(0)
        for g in range(heights.shape[0]):
            a, b = rows[0][g, y], rows[1][g, y]
            lowest += min(lows[g, a], lows[g, b])
            highest += max(highs[g, a], highs[g, b])
        here = y * width
        if highest <= limit or lowest > limit:
            runs, count, start = _continue(runs, count, start, here, bool(lowest > limit))
            continue
        _interpolate_row(maps, heights, widths, y, rows, line)
        for first in range(0, width, _BLOCK):
            last = min(first + _BLOCK, width) - 1
            lowest, highest = _bounds(line, widths, columns, first, last)
            if highest <= limit or lowest > limit:
                runs, count, start = _continue(
                    runs, count, start, here + first, bool(lowest > limit)
                )
                continue
            for x in range(first, last + 1):
                inside = bool(_value(line, widths, columns, x) > limit)
                if inside != (start >= 0):
                    runs, count, start = _continue(runs, count, start, here + x, inside)
    if start >= 0:
        runs = append_run(runs, count, start, height * width - start)
        count += 1
    return runs[:count].copy()


@kernel
def _continue(
    runs: NDArray[np.int64], count: int, start: int, pixel: int, inside: bool
) -> tuple[NDArray[np.int64], int, int]:
    """Open a run at `pixel` or close the open one before it, where that is a change."""
    if inside and start < 0:
        return runs, count, pixel
    if not inside and start >= 0:
        return append_run(runs, count, start, pixel - start), count + 1, -1
    return runs, count, start


@kernel
def argmax_segments(
    maps: NDArray[np.float32],
    heights: Indices,
    widths: Indices,
    rows: tuple[Indices, Indices, Weights],
    columns: tuple[Indices, Indices, Weights],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The class of the largest value of each full-size pixel, as segments of equal class.

    maps (C, n). Returns the segments' starts (S,) and classes (S,), in row-major order; of equal
    values the first class wins.
    """
    height, width = rows[0].shape[1], columns[0].shape[1]
    num_classes = maps.shape[0]
    lines = np.empty((num_classes, widths.sum()), np.float32)
    starts = np.empty((64, 2), np.int64)
    count, current = 0, -1
    for y in range(height):
        for c in range(num_classes):
            _interpolate_row(maps[c], heights, widths, y, rows, lines[c])
        for first in range(0, width, _BLOCK):
            last = min(first + _BLOCK, width) - 1
            best = _largest(lines, widths, columns, first)
            if _wins_block(lines, widths, columns, best, first, last):
                if best != current:
                    starts = append_run(starts, count, y * width + first, best)
                    count += 1
                    current = best
                continue
            for x in range(first, last + 1):
                best = _largest(lines, widths, columns, x)
                if best != current:
                    starts = append_run(starts, count, y * width + x, best)
                    count += 1
                    current = best
    return starts[:count, 0].copy(), starts[:count, 1].copy()


@kernel
def _largest(
    lines: NDArray[np.float32],
    widths: Indices,
    columns: tuple[Indices, Indices, Weights],
    x: int,
) -> int:
    best, most = 0, _value(lines[0], widths, columns, x)
    for c in range(1, lines.shape[0]):
        value = _value(lines[c], widths, columns, x)
        if value > most:
            best, most = c, value
    return best


@kernel
def _wins_block(
    lines: NDArray[np.float32],
    widths: Indices,
    columns: tuple[Indices, Indices, Weights],
    best: int,
    first: int,
    last: int,
) -> bool:
    """Whether a class lies above all others on the whole block, by their bounds."""
    lowest, _ = _bounds(lines[best], widths, columns, first, last)
    for c in range(lines.shape[0]):
        if c != best and _bounds(lines[c], widths, columns, first, last)[1] >= lowest:
            return False
    return True
