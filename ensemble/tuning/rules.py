"""What tuning chooses: a weight for every class and member, and a threshold for every class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class ThresholdRange:
    """The thresholds that may be searched; both ends are allowed."""

    low: float = 0.1
    high: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 1:
            raise ValueError(f"threshold range {self.low} to {self.high} is not within 0 and 1")

    def clip(self, threshold: float) -> float:
        """The nearest threshold of the range, which rounding may have left."""
        return min(max(threshold, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Rules:
    """`weights` (C, M) float64, rows sum to 1, 0 where a member lacks a class; `thresholds` (C,).

    Exclusive classes have no thresholds in use: the class of the largest fused value wins.
    """

    weights: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    def towards(self, others: Rules, shares: NDArray[np.float64]) -> Rules:
        """These rules, each class `shares` (C,) of the straight way to the others': 0 stays."""
        back = 1 - shares  # convex sums do not leave the range of thresholds by rounding at an end
        return Rules(
            back[:, None] * self.weights + shares[:, None] * others.weights,
            np.where(
                self.thresholds == others.thresholds,
                self.thresholds,
                back * self.thresholds + shares * others.thresholds,
            ),
        )


def spread(weights: NDArray[np.float64], threshold: float, present: NDArray[np.bool_]) -> Rules:
    """One weight vector (M,) and threshold for all classes, among the members that have a class.

    `present` (C, M). A class that only members of weight 0 have weighs those equally.
    """
    kept = np.where(present, weights, 0.0)
    lost = kept.sum(axis=1) <= 0
    kept[lost] = present[lost]
    return Rules(
        kept / kept.sum(axis=1, keepdims=True), np.full(len(present), threshold, np.float64)
    )
