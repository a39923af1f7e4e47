"""Means over images, and how sure they are where images of one group (a person) are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import DataError

NUM_DRAWS = 2000
# What scores, and differences of them, and so their means lie between.
SCORES, GAINS = (0.0, 1.0), (-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Interval:
    """Means (K,) with the ends (K,) of their bootstrap intervals."""

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def bootstrap_groups(
    values: NDArray[np.float64],
    groups: Sequence[str],
    *,
    level: float,
    seed: int,
    limits: tuple[float, float] = GAINS,
) -> Interval:
    """Interval of the mean over images of values (N, K), drawing whole groups with replacement.

    Percentiles of NUM_DRAWS draws, widened by sqrt(G / (G - 1)) about the mean, since G drawn
    groups vary less than G new ones would, though not beyond `limits`: SCORES, or GAINS for
    the differences of paired comparisons.
    Raises DataError for fewer than two groups, of which nothing can be said.
    """
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise DataError(
            "an interval needs images of two groups or more",
            got=f"{len(names)}",
            remedy="tell people apart with --groups",
        )
    draws = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), NUM_DRAWS
    )
    mean = values.mean(axis=0)
    sums, sizes = np.zeros((len(names), values.shape[1])), np.bincount(members)
    np.add.at(sums, members, values - mean)
    widened = (draws @ sums) / (draws @ sizes)[:, None] * np.sqrt(len(names) / (len(names) - 1))
    ends = mean + np.quantile(widened, [(1 - level) / 2, (1 + level) / 2], axis=0)
    low, high = np.clip(ends, *limits)
    return Interval(mean, low, high)


def known_mean(values: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """The mean along an axis of what is no NaN; NaN where all are."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    sums = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, sums / np.maximum(count, 1), np.nan))
