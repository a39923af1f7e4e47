"""From the soft maps of exclusive classes on their grids straight to segments of one class."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.lattice import (
    Bits,
    CellBounds,
    Flat,
    Lattice,
    all_finite,
    find_cell_bounds,
    new_cell_bounds,
    order_key,
    row_extremes,
    span_values,
)
from ensemble.kernels.rle import append_run, new_runs

_OPEN = -1
_NEGATIVE_ZERO = np.int32(-1)
# Neighbouring open cells share one list of rivals, but not so many that it grows to all classes.
_MAX_CELLS = 16


@kernel
def argmax_segments(
    maps: NDArray[np.float32], lattice: Lattice
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """The class of the largest value of each full-size pixel, as segments of equal class.

    maps (C, n). Returns the segments' starts (S,) and classes (S,), in row-major order; of equal
    values the first class wins; and whether all maps are finite, without which all this means
    nothing. A cell at whose corners one class lies above all others is its;
    in the others only the classes that can win somewhere are computed.
    """
    num_classes, width = maps.shape[0], lattice.columns.lower.shape[1]
    num_cells = lattice.columns.first.shape[1]
    bands = lattice.rows.cells
    best, winner = np.empty(num_cells, np.int32), np.empty(num_cells, np.int32)
    lowest = np.empty((num_classes, num_cells), np.int32)
    highest = np.empty((num_classes, num_cells), np.int32)
    bounds = new_cell_bounds(lattice)
    stretches = np.empty((num_cells, 3), np.int64)
    rivals = np.empty((num_cells, num_classes), np.int64)
    line, values = np.empty(lattice.widths.max(), np.float32), np.empty(width, np.float32)
    room = line, values, np.empty(width, np.float32)
    labels = np.empty(width, np.int64)
    segments, count, current = new_runs(), 0, -1
    for c in range(num_classes):
        if not all_finite(row_extremes(maps[c], lattice)):
            return labels[:0], labels[:0], False
    for band in range(bands.shape[0] - 1):
        _find_bounds(maps, lattice, band, bounds, lowest, highest)
        _find_winners(lowest, highest, best, winner)
        num_stretches = _find_stretches(winner, lattice.columns.cells, stretches)
        _find_rivals(stretches[:num_stretches], lattice, best, highest, rivals)
        for y in range(bands[band], bands[band + 1]):
            for s in range(num_stretches):
                first, end, state = stretches[s, 0], stretches[s, 1], stretches[s, 2]
                if state < 0:
                    contenders = rivals[s, :-state]
                    _compete(maps, lattice, (y, first, end), contenders, room, labels)
                    for x in range(end - first):
                        if labels[x] != current:
                            current = labels[x]
                            segments = append_run(segments, count, y * width + first + x, current)
                            count += 1
                elif state != current:
                    current = state
                    segments = append_run(segments, count, y * width + first, current)
                    count += 1
    return segments[:count, 0].copy(), segments[:count, 1].copy(), True


@kernel
def _find_bounds(
    maps: NDArray[np.float32],
    lattice: Lattice,
    band: int,
    bounds: CellBounds,
    lowest: NDArray[np.int32],
    highest: NDArray[np.int32],
) -> None:
    """Order keys (C, J) of the bounds of every class in every cell of a band."""
    low, high = bounds.lowest.view(np.int32), bounds.highest.view(np.int32)
    for c in range(maps.shape[0]):
        find_cell_bounds(maps[c].view(np.int32), lattice, band, bounds)
        for j in range(low.shape[0]):
            lowest[c, j] = _one_zero(order_key(low[j]))
        for j in range(low.shape[0]):
            highest[c, j] = _one_zero(order_key(high[j]))


@kernel
def _one_zero(key: np.int32) -> np.int32:
    """The order key of 0.0 for that of -0.0, which is no less: else no tie of them would be one."""
    return np.int32(0) if key == _NEGATIVE_ZERO else key


@kernel
def _find_winners(
    lowest: NDArray[np.int32], highest: NDArray[np.int32], best: Bits, winner: NDArray[np.int32]
) -> None:
    """The class (J,) that wins a whole cell, or _OPEN; `best` (J,) is the highest lower bound."""
    best[:] = lowest[0]
    winner[:] = 0
    for c in range(1, lowest.shape[0]):
        row = lowest[c]
        for j in range(best.shape[0]):
            winner[j] = c if row[j] > best[j] else winner[j]
        for j in range(best.shape[0]):
            best[j] = max(best[j], row[j])
    for c in range(lowest.shape[0]):
        row = highest[c]
        for j in range(best.shape[0]):
            contends = row[j] >= best[j] and winner[j] != c
            winner[j] = _OPEN if contends else winner[j]


@kernel
def _find_stretches(
    winner: NDArray[np.int32], cells: NDArray[np.int64], stretches: NDArray[np.int64]
) -> int:
    """Unite neighbouring cells of one state to stretches (first cell, end, state); their number."""
    count = 0
    for j in range(winner.shape[0]):
        first = stretches[count - 1, 0] if count > 0 else 0
        same = count > 0 and winner[j] == stretches[count - 1, 2]
        if same and (winner[j] != _OPEN or j - first < _MAX_CELLS):
            continue
        if count > 0:
            stretches[count - 1, 1] = j
        stretches[count, 0] = j
        stretches[count, 2] = winner[j]
        count += 1
    stretches[count - 1, 1] = winner.shape[0]
    return count


@kernel
def _find_rivals(
    stretches: NDArray[np.int64],
    lattice: Lattice,
    best: Bits,
    highest: NDArray[np.int32],
    rivals: NDArray[np.int64],
) -> None:
    """List the classes that can win in each open stretch, and turn cells into pixels.

    The state of an open stretch becomes minus the number of its rivals.
    """
    for s in range(stretches.shape[0]):
        if stretches[s, 2] == _OPEN:
            count = 0
            for c in range(highest.shape[0]):
                for j in range(stretches[s, 0], stretches[s, 1]):
                    if highest[c, j] >= best[j]:
                        rivals[s, count] = c
                        count += 1
                        break
            stretches[s, 2] = -count
        stretches[s, 0] = lattice.columns.cells[stretches[s, 0]]
        stretches[s, 1] = lattice.columns.cells[stretches[s, 1]]


@kernel
def _compete(
    maps: NDArray[np.float32],
    lattice: Lattice,
    span: tuple[int, int, int],
    contenders: NDArray[np.int64],
    room: tuple[Flat, Flat, Flat],
    labels: NDArray[np.int64],
) -> None:
    """The class of the largest value of each pixel of a stretch, into `labels`."""
    line, values, most = room
    for k in range(contenders.shape[0]):
        span_values(maps[contenders[k]], lattice, span, line, values)
        for x in range(span[2] - span[1]):
            if k == 0 or values[x] > most[x]:
                most[x] = values[x]
                labels[x] = contenders[k]
