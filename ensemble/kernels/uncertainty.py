"""How unsure fused maps are, pixel by pixel, class after class, without a map of full size.

Each kernel takes one class (n,), as the lattice says, and changes an image (rows, columns) float32
in place. Cells whose bounds say that they change nothing are passed over.
"""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.lattice import (
    Flat,
    Lattice,
    append_cell,
    find_cell_bounds,
    new_cell_bounds,
    span_values,
)

Image = NDArray[np.float32]

# By how much squares and values near 1 make a variance wrong.
_ROUNDING = np.float32(2e-7)


@kernel
def raise_nearness(
    maps: Flat, lattice: Lattice, centre: np.float32, least: np.float32, nearness: Image
) -> None:
    """Raise each pixel to -|value - centre| where that is more, and more than `least` < 0."""
    bits, width = maps.view(np.int32), lattice.columns.lower.shape[1]
    bounds, bands = new_cell_bounds(lattice), lattice.rows.cells
    stretches = np.empty((lattice.columns.first.shape[1], 2), np.int64)
    line, values = np.empty(lattice.widths.max(), np.float32), np.empty(width, np.float32)
    for band in range(bands.shape[0] - 1):
        find_cell_bounds(bits, lattice, band, bounds)
        count = 0
        for j in range(bounds.highest.shape[0]):
            is_far = bounds.highest[j] < centre + least or bounds.lowest[j] > centre - least
            if not is_far:
                count = append_cell(stretches, count, lattice.columns.cells, j)
        for y in range(bands[band], bands[band + 1]):
            for s in range(count):
                first, end = stretches[s, 0], stretches[s, 1]
                span_values(maps, lattice, (y, first, end), line, values)
                row = nearness[y]
                for x in range(first, end):
                    row[x] = max(row[x], -abs(values[x - first] - centre))


@kernel
def raise_variance(
    maps: Flat, squares: Flat, lattice: Lattice, least: np.float32, variance: Image
) -> None:
    """Raise each pixel to square - value ** 2 where that is more, and more than `least`."""
    width, bands = lattice.columns.lower.shape[1], lattice.rows.cells
    of_values, of_squares = new_cell_bounds(lattice), new_cell_bounds(lattice)
    bits, square_bits = maps.view(np.int32), squares.view(np.int32)
    stretches = np.empty((lattice.columns.first.shape[1], 2), np.int64)
    line, values = np.empty(lattice.widths.max(), np.float32), np.empty(width, np.float32)
    second = np.empty(width, np.float32)
    for band in range(bands.shape[0] - 1):
        find_cell_bounds(bits, lattice, band, of_values)
        find_cell_bounds(square_bits, lattice, band, of_squares)
        count = 0
        for j in range(of_squares.highest.shape[0]):
            if of_squares.highest[j] >= least:
                middle = (of_values.lowest[j] + of_values.highest[j]) / 2
                if _most_variance(maps, squares, lattice, (band, j), middle) >= least:
                    count = append_cell(stretches, count, lattice.columns.cells, j)
        for y in range(bands[band], bands[band + 1]):
            for s in range(count):
                first, end = stretches[s, 0], stretches[s, 1]
                span_values(maps, lattice, (y, first, end), line, values)
                span_values(squares, lattice, (y, first, end), line, second)
                row = variance[y]
                for x in range(first, end):
                    value = values[x - first]
                    row[x] = max(row[x], second[x - first] - value * value)


@kernel
def _most_variance(
    maps: Flat,
    squares: Flat,
    lattice: Lattice,
    cell: tuple[int, int],
    middle: np.float32,
) -> np.float32:
    """A bound of the variance in a cell (band, j): that of deviations from any number is no less.

    s being what members say and m = `middle`, sum w (s - m) ** 2 = square - 2 m value + m ** 2 is
    linear in what is interpolated, so in each grid it is at most that of the largest corner.
    """
    band, j = cell
    total, start = middle * middle + _ROUNDING, 0
    for g in range(lattice.heights.shape[0]):
        width = lattice.widths[g]
        most = np.float32(-np.inf)
        for y in range(lattice.rows.first[g, band], lattice.rows.last[g, band] + 1):
            for x in range(lattice.columns.first[g, j], lattice.columns.last[g, j] + 1):
                i = start + y * width + x
                most = max(most, squares[i] - 2 * middle * maps[i])
        total += most
        start += lattice.heights[g] * width
    return total


@kernel
def add_shares(maps: Flat, lattice: Lattice, is_log: bool, total: Image, logs: Image) -> None:
    """Add p to the total and p ln p to the logs; maps are p > 0, or their logarithms."""
    width, height = lattice.columns.lower.shape[1], lattice.rows.lower.shape[1]
    line, values = np.empty(lattice.widths.max(), np.float32), np.empty(width, np.float32)
    for y in range(height):
        span_values(maps, lattice, (y, 0, width), line, values)
        for x in range(width):
            value = np.float64(values[x])
            p = np.exp(value) if is_log else value
            if p > 1e-7:
                total[y, x] += p
                logs[y, x] += p * (value if is_log else np.log(p))
