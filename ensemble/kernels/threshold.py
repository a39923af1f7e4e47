"""From the soft maps of a class on their grids straight to the runs of its full-size mask."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.lattice import (
    Flat,
    Lattice,
    all_finite,
    band_bounds,
    find_cell_bounds,
    new_cell_bounds,
    row_extremes,
    span_values,
)

# What the bounds say of a cell: no pixel of it is in the mask, some may be, all are.
_OUTSIDE, _OPEN, _INSIDE = np.uint8(0), np.uint8(1), np.uint8(2)
_EIGHT = np.uint64(0x0101010101010101)
_FEW_EDGES = 128


@kernel
def threshold_runs(
    maps: Flat, lattice: Lattice, limit: np.float32
) -> tuple[NDArray[np.int64], bool]:
    """Row-major runs (R, 2) of the full-size pixels of one class whose value is above the limit.

    Rows between the same source rows are decided together, and in them the cells whose corners
    agree; only the pixels of open cells are computed. Nothing of full size is stored.
    Also answers whether all maps are finite; the runs mean nothing where they are not.
    """
    extremes = row_extremes(maps, lattice)
    if not all_finite(extremes):
        return np.empty((0, 2), np.int64), False
    edges, count = _find_edges(maps, lattice, extremes, limit)
    if count & 1:
        num_pixels = lattice.rows.lower.shape[1] * lattice.columns.lower.shape[1]
        edges, count = _append(edges, count, num_pixels)
    runs = edges[:count].copy().reshape(-1, 2)
    runs[:, 1] -= runs[:, 0]
    return runs, True


@kernel
def _find_edges(
    maps: Flat, lattice: Lattice, extremes: tuple[Flat, Flat], limit: np.float32
) -> tuple[NDArray[np.int64], int]:
    """The pixels at which the mask begins or ends, in row-major order, and how many there are."""
    bits, width = maps.view(np.int32), lattice.columns.lower.shape[1]
    num_cells = lattice.columns.first.shape[1]
    bounds = new_cell_bounds(lattice)
    states = np.empty((num_cells + 7) // 8 * 8, np.uint8)
    stretches = np.empty((num_cells, 3), np.int64)
    line, values = np.empty(lattice.widths.max(), np.float32), np.empty(width, np.float32)
    edges, count = np.empty(_FEW_EDGES, np.int64), 0
    bands = lattice.rows.cells
    for band in range(bands.shape[0] - 1):
        lowest, highest = band_bounds(extremes, lattice, band)
        if highest <= limit or lowest > limit:
            if (lowest > limit) != (count & 1):
                edges, count = _append(edges, count, bands[band] * width)
            continue
        find_cell_bounds(bits, lattice, band, bounds)
        _find_states(bounds.lowest, bounds.highest, limit, states)
        num_stretches = _find_stretches(states, lattice.columns.cells, stretches)
        for y in range(bands[band], bands[band + 1]):
            for s in range(num_stretches):
                first, end, state = stretches[s, 0], stretches[s, 1], stretches[s, 2]
                here = y * width + first
                if state == _OPEN:
                    span_values(maps, lattice, (y, first, end), line, values)
                    for x in range(end - first):
                        if (values[x] > limit) != (count & 1):
                            edges, count = _append(edges, count, here + x)
                elif (state == _INSIDE) != (count & 1):
                    edges, count = _append(edges, count, here)
    return edges, count


@kernel
def _append(edges: NDArray[np.int64], count: int, pixel: int) -> tuple[NDArray[np.int64], int]:
    """Note that the mask begins or ends at `pixel`; after an odd number of edges a run is open."""
    if count == edges.shape[0]:
        grown = np.empty(2 * count, np.int64)
        grown[:count] = edges
        edges = grown
    edges[count] = pixel
    return edges, count + 1


@kernel
def _find_states(lowest: Flat, highest: Flat, limit: np.float32, states: NDArray[np.uint8]) -> None:
    """State of each of J cells, (J rounded up to 8,); those behind the last are as the last."""
    num_cells = lowest.shape[0]
    for j in range(num_cells):
        states[j] = np.uint8(np.uint8(highest[j] > limit) + np.uint8(lowest[j] > limit))
    states[num_cells:] = states[num_cells - 1]


@kernel
def _find_stretches(
    states: NDArray[np.uint8], cells: NDArray[np.int64], stretches: NDArray[np.int64]
) -> int:
    """Unite neighbouring cells of one state to stretches (first pixel, end, state); their number.

    Eight cells that only go on with a stretch are passed over at once.
    """
    words = states.view(np.uint64)
    count, state = 0, np.uint8(255)
    for w in range(words.shape[0]):
        if words[w] == np.uint64(state) * _EIGHT:
            continue
        for j in range(8 * w, 8 * w + 8):
            if states[j] != state:
                state = states[j]
                stretches[count, 0] = cells[j]
                stretches[count, 2] = state
                if count > 0:
                    stretches[count - 1, 1] = cells[j]
                count += 1
    stretches[count - 1, 1] = cells[-1]
    return count
