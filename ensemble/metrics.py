"""How overlap is graded: Dice or IoU, of each image or of the pixels of all images together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.dice import DICE_EPS


def dice(
    intersection: NDArray[np.int64], predicted: NDArray[np.int64], true: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(2 I + e) / (A + B + e) of pixel counts, elementwise; 1 where both masks are empty."""
    score: NDArray[np.float64] = (2 * intersection + DICE_EPS) / (predicted + true + DICE_EPS)
    return score


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


@dataclass(frozen=True, slots=True)
class Grading:
    """A metric of N images; `image_weights` (N,) say what each counts, None: all the same."""

    metric: Metric = DICE
    image_weights: NDArray[np.float64] | None = None

    def scores(
        self, overlaps: NDArray[np.int64], images: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Scores (n, C) of overlaps (n, C, 3) of the chosen images (n,), by default all."""
        return self.metric.scores(overlaps, self._weights_of(images))

    def blocks(
        self, images: NDArray[np.int64], num_classes: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """How the chosen images (n,) are scored, class after class of all of them.

        How many in a row are scored together each (B,), and what those scores count (B,), mean 1.
        """
        if self.metric.is_pooled:
            return np.full(num_classes, len(images), np.int64), np.ones(num_classes)
        weights = self._weights_of(images)
        each = np.ones(len(images)) if weights is None else weights
        return np.ones(len(images) * num_classes, np.int64), np.tile(each, num_classes)

    def _weights_of(self, images: NDArray[np.int64] | None) -> NDArray[np.float64] | None:
        """What chosen images count, mean 1."""
        if self.image_weights is None:
            return None
        chosen = self.image_weights if images is None else self.image_weights[images]
        return np.asarray(chosen / chosen.mean())


# Dice, every image counting the same.
EVENLY = Grading()
