"""Sums of a class's fused map over the pixels of an image, which are never stored."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.lattice import (
    Flat,
    Lattice,
    all_finite,
    append_cell,
    band_bounds,
    find_cell_bounds,
    new_cell_bounds,
    row_extremes,
    span_values,
)


class Sums(NamedTuple):
    """Of the probabilities p of all pixels: their sum, that inside a mask, that of the entropies in
    bits, and the largest.
    """

    mass: float
    mass_inside: float
    entropy: float
    peak: float


@kernel
def map_sums(
    maps: Flat, lattice: Lattice, runs: NDArray[np.int64], floor: float, is_logit: bool
) -> tuple[Sums, bool]:
    """Sums over the full-size pixels of one class; what is below the floor counts as 0.

    `floor` is of the maps, which are logits or probabilities; `runs` (R, 2) of a mask, row-major.
    Cells below the floor are passed over. Also answers whether all maps are finite.
    """
    extremes = row_extremes(maps, lattice)
    if not all_finite(extremes):
        return Sums(0.0, 0.0, 0.0, 0.0), False
    bits, width = maps.view(np.int32), lattice.columns.lower.shape[1]
    bounds = new_cell_bounds(lattice)
    stretches = np.empty((lattice.columns.first.shape[1], 2), np.int64)
    line, values = np.empty(lattice.widths.max(), np.float32), np.empty(width, np.float32)
    totals, run = np.zeros(4), 0
    bands = lattice.rows.cells
    for band in range(bands.shape[0] - 1):
        if band_bounds(extremes, lattice, band)[1] < floor:
            continue
        find_cell_bounds(bits, lattice, band, bounds)
        count = _find_stretches(bounds.highest, lattice.columns.cells, floor, stretches)
        for y in range(bands[band], bands[band + 1]):
            for s in range(count):
                first, end = stretches[s, 0], stretches[s, 1]
                span_values(maps, lattice, (y, first, end), line, values)
                span = values[: end - first]
                run = _add_span(span, (y * width + first, run), runs, (floor, is_logit), totals)
    return Sums(totals[0], totals[1], totals[2], totals[3]), True


@kernel
def _find_stretches(
    highest: Flat, cells: NDArray[np.int64], floor: float, stretches: NDArray[np.int64]
) -> int:
    """Unite neighbouring cells that reach the floor to stretches (first pixel, end)."""
    count = 0
    for j in range(highest.shape[0]):
        if highest[j] >= floor:
            count = append_cell(stretches, count, cells, j)
    return count


@kernel
def _add_span(
    values: Flat,
    place: tuple[int, int],
    runs: NDArray[np.int64],
    rule: tuple[float, bool],
    totals: NDArray[np.float64],
) -> int:
    """Add pixels in a row to the totals; the run of the mask that comes next after them.

    place = (first pixel, next run), rule = (floor, whether values are logits).
    """
    pixel, run = place
    for x in range(values.shape[0]):
        if values[x] < rule[0]:
            continue
        p = _probability(values[x], rule[1])
        totals[0] += p
        totals[2] += _entropy(p)
        totals[3] = max(totals[3], p)
        while run < runs.shape[0] and runs[run, 0] + runs[run, 1] <= pixel + x:
            run += 1
        if run < runs.shape[0] and runs[run, 0] <= pixel + x:
            totals[1] += p
    return run


@kernel
def _probability(value: np.float32, is_logit: bool) -> float:
    """What a value says, from 0 to 1; sums of weights may be off by a rounding."""
    if is_logit:
        return float(1 / (1 + np.exp(-np.float64(value))))
    return float(min(max(np.float64(value), 0.0), 1.0))


@kernel
def _entropy(p: float) -> float:
    """-p log p - (1 - p) log (1 - p) in bits."""
    q = 1 - p
    if p <= 0 or q <= 0:
        return 0.0
    return float(-(p * np.log2(p) + q * np.log2(q)))
