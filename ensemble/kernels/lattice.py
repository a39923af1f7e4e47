"""Grids of soft maps under one full-size image: interpolation, and bounds that save it.

A pixel's value is the sum over grids of the bilinear interpolation (align_corners=False) of its
grid. A bilinear value lies between its corners. So the extremes of source rows bound whole bands
of full-size rows, and the corners of source cells bound the pixels between them.

The grids of a class lie one after the other in flat memory, (h_g * w_g) each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel

Flat = NDArray[np.float32]
Bits = NDArray[np.int32]

_MAGNITUDE = np.int32(0x7FFFFFFF)
_SIGN = np.int32(31)
# A cell is closed where the next pixel lies between other sources, but only from this many pixels
# on for one grid and for several (which change theirs at almost every pixel), or with many sources.
_FEW_PIXELS, _FEW_OF_SEVERAL, _MANY_SOURCES = 4, 8, 8


class Axis(NamedTuple):
    """Where the pixels of a full-size axis lie between the source pixels of each of G grids.

    `lower`, `upper` (G, full) int64 source indices; `weight` (G, full) float32 of the upper one.
    Neighbouring pixels make up a cell, of all grids together: `cells` (J + 1,) int64 are the first
    pixels of the J cells, then `full`; `first`, `last` (G, J) uint32 the sources around a cell, at
    most `reach` (G,) int64 apart.
    """

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    weight: NDArray[np.float32]
    cells: NDArray[np.int64]
    first: NDArray[np.uint32]
    last: NDArray[np.uint32]
    reach: NDArray[np.int64]


class Lattice(NamedTuple):
    """G grids under one image: their `heights` and `widths` (G,) int64, and both axes."""

    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    rows: Axis
    columns: Axis


@kernel
def axis_table(sources: NDArray[np.int64], full: int) -> Axis:
    """The axis of `full` pixels over grids of lengths `sources` (G,).

    The rule is torch's: source = max((x + .5) * w / W - .5, 0).
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
    return _with_cells(lower, upper, weight)


@kernel
def crop_axis(
    axis: Axis, first: int, end: int, tops: NDArray[np.int64], lengths: NDArray[np.int64]
) -> Axis:
    """Pixels first..end - 1 of an axis, over the sources from `tops` (G,) on, `lengths` (G,) long.

    A source beyond the last counts as the last: only with the weight 0 may it be asked for.
    """
    lower = np.empty((tops.shape[0], end - first), np.int64)
    upper = np.empty_like(lower)
    for g in range(tops.shape[0]):
        for x in range(first, end):
            lower[g, x - first] = axis.lower[g, x] - tops[g]
            upper[g, x - first] = min(axis.upper[g, x] - tops[g], lengths[g] - 1)
    return _with_cells(lower, upper, axis.weight[:, first:end].copy())


@kernel
def _with_cells(
    lower: NDArray[np.int64], upper: NDArray[np.int64], weight: NDArray[np.float32]
) -> Axis:
    cells = _joint_cells(lower, upper)
    first = np.empty((lower.shape[0], cells.shape[0] - 1), np.uint32)
    last = np.empty_like(first)
    reach = np.zeros(lower.shape[0], np.int64)
    for g in range(first.shape[0]):
        for j in range(first.shape[1]):
            first[g, j] = lower[g, cells[j]]
            last[g, j] = upper[g, cells[j + 1] - 1]
            reach[g] = max(reach[g], np.int64(last[g, j]) - np.int64(first[g, j]))
    return Axis(lower, upper, weight, cells, first, last, reach)


@kernel
def _joint_cells(lower: NDArray[np.int64], upper: NDArray[np.int64]) -> NDArray[np.int64]:
    full = lower.shape[1]
    cells = np.empty(full + 1, np.int64)
    cells[0] = 0
    count = 1
    few = _FEW_PIXELS if lower.shape[0] == 1 else _FEW_OF_SEVERAL
    for x in range(1, full):
        start = cells[count - 1]
        for g in range(lower.shape[0]):
            is_full = x - start >= few or upper[g, x] - lower[g, start] >= _MANY_SOURCES
            if is_full and lower[g, x] != lower[g, x - 1]:
                cells[count] = x
                count += 1
                break
    cells[count] = full
    return cells[: count + 1].copy()


@kernel
def order_key(bits: np.int32) -> np.int32:
    """Bits of a float32 to a whole number of the same order, and back: it is its own inverse.

    A CPU takes the extremes of whole numbers many at a time, of floats one by one. The bits of
    negative floats fall as they rise, so all but the sign are turned round. Infinities lie beyond
    all numbers and NaNs beyond them, so that what is not finite is always an extreme.
    """
    return np.int32(bits ^ np.int32(np.int32(bits >> _SIGN) & _MAGNITUDE))


@kernel
def row_extremes(maps: Flat, lattice: Lattice) -> tuple[Flat, Flat]:
    """Smallest and largest value of every row of every grid, grid after grid, (sum of heights,)."""
    bits = maps.view(np.int32)
    lows = np.empty(lattice.heights.sum(), np.int32)
    highs = np.empty_like(lows)
    start, r = 0, 0
    for g in range(lattice.heights.shape[0]):
        width = lattice.widths[g]
        for _ in range(lattice.heights[g]):
            row = bits[start : start + width]
            low, high = np.int32(2**31 - 1), np.int32(-(2**31))
            for x in range(width):
                key = order_key(row[x])
                low = min(low, key)
                high = max(high, key)
            lows[r] = order_key(low)
            highs[r] = order_key(high)
            start += width
            r += 1
    return lows.view(np.float32), highs.view(np.float32)


@kernel
def all_finite(extremes: tuple[Flat, Flat]) -> bool:
    """Whether no value is NaN or infinite, by the `row_extremes`."""
    return bool(np.isfinite(extremes[0]).all() and np.isfinite(extremes[1]).all())


@kernel
def band_bounds(
    extremes: tuple[Flat, Flat], lattice: Lattice, band: int
) -> tuple[np.float32, np.float32]:
    """Bounds of the values in a band, a cell of rows, from the extremes of its source rows."""
    lowest, highest = np.float32(0), np.float32(0)
    start = 0
    for g in range(lattice.heights.shape[0]):
        first, last = np.int64(lattice.rows.first[g, band]), np.int64(lattice.rows.last[g, band])
        low, high = extremes[0][start + first], extremes[1][start + first]
        for row in range(start + first + 1, start + last + 1):
            low = min(low, extremes[0][row])
            high = max(high, extremes[1][row])
        lowest += low
        highest += high
        start += lattice.heights[g]
    return lowest, highest


class CellBounds(NamedTuple):
    """Bounds `lowest`, `highest` (J,) float32 of the values in cells, and room to find them.

    `low_bits`, `high_bits` (w,) int32 are the bits of `low_corners`, `high_corners` (w,) float32,
    one a column of the widest grid. Where all grids have a cell for every source, as one grid that
    is enlarged has, the corners are the bounds.
    """

    lowest: Flat
    highest: Flat
    low_bits: Bits
    high_bits: Bits
    low_corners: Flat
    high_corners: Flat


@kernel
def new_cell_bounds(lattice: Lattice) -> CellBounds:
    """Room for the bounds of the cells of one band."""
    num_cells = lattice.columns.first.shape[1]
    low_bits = np.empty(lattice.widths.max(), np.int32)
    high_bits = np.empty(lattice.widths.max(), np.int32)
    low_corners, high_corners = low_bits.view(np.float32), high_bits.view(np.float32)
    lowest, highest = low_corners, high_corners
    if lattice.widths.shape[0] > 1 or num_cells < lattice.widths[0]:
        lowest, highest = np.empty(num_cells, np.float32), np.empty(num_cells, np.float32)
    return CellBounds(lowest, highest, low_bits, high_bits, low_corners, high_corners)


@kernel
def find_cell_bounds(bits: Bits, lattice: Lattice, band: int, bounds: CellBounds) -> None:
    """Bounds of the values of a band, a cell of rows, in each cell.

    `bits` are those of the maps.
    """
    start = 0
    for g in range(lattice.heights.shape[0]):
        width = lattice.widths[g]
        top = start + np.int64(lattice.rows.first[g, band]) * width
        end = start + (np.int64(lattice.rows.last[g, band]) + 1) * width
        low, high = bounds.low_bits[:width], bounds.high_bits[:width]
        _column_extremes(bits[top:end], low, high)
        _widen(low, high, lattice.columns.reach[g])
        if bounds.lowest.shape[0] != width or lattice.heights.shape[0] > 1:
            if g == 0:
                bounds.lowest[:] = 0
                bounds.highest[:] = 0
            _gather(bounds.low_corners, lattice.columns.first[g], bounds.lowest)
            _gather(bounds.high_corners, lattice.columns.first[g], bounds.highest)
        start += lattice.heights[g] * width


@kernel
def append_cell(stretches: NDArray[np.int64], count: int, cells: NDArray[np.int64], j: int) -> int:
    """Unite cell j with the last of the stretches (first pixel, end), or begin one; their number.

    Cells are appended from left to right.
    """
    if count == 0 or stretches[count - 1, 1] != cells[j]:
        stretches[count, 0] = cells[j]
        count += 1
    stretches[count - 1, 1] = cells[j + 1]
    return count


@kernel
def _gather(values: Flat, sources: NDArray[np.uint32], total: Flat) -> None:
    for j in range(sources.shape[0]):
        total[j] += values[sources[j]]


@kernel
def _column_extremes(rows: Bits, low: Bits, high: Bits) -> None:
    """Order keys (w,) of the smallest and largest value of each column of rows (n * w,)."""
    width = low.shape[0]
    above, below = rows[:width], rows[rows.shape[0] - width :]
    for x in range(width):
        low[x] = min(order_key(above[x]), order_key(below[x]))
    for x in range(width):
        high[x] = max(order_key(above[x]), order_key(below[x]))
    for start in range(width, rows.shape[0] - width, width):
        row = rows[start : start + width]
        for x in range(width):
            low[x] = min(low[x], order_key(row[x]))
        for x in range(width):
            high[x] = max(high[x], order_key(row[x]))


@kernel
def _widen(low: Bits, high: Bits, reach: int) -> None:
    """Order keys of columns to bits of the extremes of each column and the `reach` after it."""
    last = low.shape[0] - 1
    for _ in range(reach - 1):
        for x in range(last):
            low[x] = min(low[x], low[x + 1])
        for x in range(last):
            high[x] = max(high[x], high[x + 1])
    for x in range(last):
        low[x] = order_key(min(low[x], low[x + 1]))
    for x in range(last):
        high[x] = order_key(max(high[x], high[x + 1]))
    low[last] = order_key(low[last])
    high[last] = order_key(high[last])


@kernel
def span_values(
    maps: Flat, lattice: Lattice, span: tuple[int, int, int], line: Flat, values: Flat
) -> None:
    """Values of the full-size pixels of row y, columns first..end - 1, into `values`.

    span = (y, first, end). `line`: room for a float a column of the widest grid.
    """
    y, first, end = span
    rows, columns = lattice.rows, lattice.columns
    start = 0
    for g in range(lattice.heights.shape[0]):
        width = lattice.widths[g]
        above = start + rows.lower[g, y] * width
        below = start + rows.upper[g, y] * width
        down = rows.weight[g, y]
        left = columns.lower[g, first]
        for x in range(left, columns.upper[g, end - 1] + 1):
            line[x - left] = maps[above + x] + down * (maps[below + x] - maps[above + x])
        for x in range(first, end):
            a = line[columns.lower[g, x] - left]
            b = line[columns.upper[g, x] - left]
            value = a + columns.weight[g, x] * (b - a)
            values[x - first] = value if g == 0 else values[x - first] + value
        start += lattice.heights[g] * width
