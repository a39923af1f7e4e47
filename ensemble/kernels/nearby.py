"""Counted tuples that a small neighbourhood of weights and a threshold leaves undecided."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel

_SLACK = 1e-6


@kernel
def keep_nearby(
    values: NDArray[np.uint8],
    counts: NDArray[np.int32],
    units: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    centre: tuple[NDArray[np.float64], float],
    usable: NDArray[np.bool_],
    reach: tuple[float, float],
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """The tuples of the chosen units that can change side near a centre; the others are counted.

    `centre`: weights (M,) that sum to 1, and a threshold. `usable` (M,): the members that may have
    a weight, at least one. `reach`: how much weight may go from members to others, and how far the
    threshold may move. Other arrays, and those that are answered (values, counts, offsets,
    decided), as in `unit_counts`.
    """
    chosen, offsets, decided = units
    weights, threshold = centre
    most = (offsets[chosen + 1] - offsets[chosen]).sum()
    kept = np.empty(most, np.int64)
    kept_offsets = np.zeros(chosen.shape[0] + 1, np.int64)
    certain = decided[chosen]
    found = 0
    for n in range(chosen.shape[0]):
        for k in range(offsets[chosen[n]], offsets[chosen[n] + 1]):
            fused, smallest, largest = 0.0, 255.0, 0.0
            for m in range(values.shape[0]):
                if usable[m]:
                    value = float(values[m, k])
                    fused += weights[m] * value
                    smallest, largest = min(smallest, value), max(largest, value)
            room = reach[0] * (largest - smallest) + reach[1] + _SLACK
            if abs(fused - threshold) <= room:
                kept[found] = k
                found += 1
            elif fused > threshold:
                certain[n, 0] += counts[0, k]
                certain[n, 1] += counts[1, k]
        kept_offsets[n + 1] = found
    near_values = np.empty((values.shape[0], found), np.uint8)
    near_counts = np.empty((2, found), np.int32)
    for i in range(found):
        near_values[:, i] = values[:, kept[i]]
        near_counts[:, i] = counts[:, kept[i]]
    return near_values, near_counts, kept_offsets, certain
