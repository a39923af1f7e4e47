"""How overlap is graded: Dice or IoU, of each image or of the pixels of all images together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.dice import DICE_EPS


@dataclass(frozen=True, slots=True)
class Metric:
    """Dice (2 I + e) / (A + B + e) or, with `is_iou`, IoU (I + e) / (A + B - I + e), e = 1e-4.

    A and B are the predicted and the true area, I that of both; an absent class that is predicted
    nowhere has 1. `is_pooled` sums A, B and I over images first. The mean over classes comes last.
    """

    is_iou: bool = False
    is_pooled: bool = False

    def __str__(self) -> str:
        return ("pooled " if self.is_pooled else "") + ("IoU" if self.is_iou else "Dice")

    def blocks(self, num_images: int, num_classes: int) -> NDArray[np.int64]:
        """How many of the units of images, class by class, are scored together each."""
        if self.is_pooled:
            return np.full(num_classes, num_images, np.int64)
        return np.ones(num_images * num_classes, np.int64)

    def scores(
        self, overlaps: NDArray[np.int64], weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Scores (N, C) whose mean over images is the metric; `overlaps` (N, C, 3): A, I, B.

        With `weights` (N,) of images, mean 1, it is the weighted metric; pooled it has none. Where
        the metric is a ratio of sums an image's score is the metric plus what the image moves it
        (its influence), so that intervals of means are those of the ratio.
        """
        area, hits, true_area = np.moveaxis(overlaps.astype(np.float64), -1, 0)
        upper = DICE_EPS + (hits if self.is_iou else 2 * hits)
        lower = DICE_EPS + area + true_area - (hits if self.is_iou else 0)
        if self.is_pooled:
            # the sums have one epsilon together
            upper, lower = (sums - DICE_EPS * (1 - 1 / len(overlaps)) for sums in (upper, lower))
            ratio = upper.mean(axis=0) / lower.mean(axis=0)
            return np.asarray(ratio + (upper - ratio * lower) / lower.mean(axis=0))
        scores = upper / lower
        if weights is None:
            return np.asarray(scores)
        mean = np.average(scores, axis=0, weights=weights)
        return np.asarray(mean + weights[:, None] * (scores - mean))


DICE = Metric()

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "dice": DICE,
        "iou": Metric(is_iou=True),
        "pooled-dice": Metric(is_pooled=True),
        "pooled-iou": Metric(is_iou=True, is_pooled=True),
    }
)
