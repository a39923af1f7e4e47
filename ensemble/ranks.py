"""Ranks of values, and how two rankings agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ranks(values: Floats) -> Floats:
    """Ranks (N,) from 1 for the smallest; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(np.take(middles, places))


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman's: the correlation of the ranks of two arrays (N,); NaN if one is constant."""
    both = np.stack([ranks(first), ranks(second)])
    if (both.std(axis=1) == 0).any():
        return float("nan")
    correlations: Floats = np.asarray(np.corrcoef(both), np.float64)
    return float(correlations[0, 1])
