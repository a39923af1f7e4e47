"""How the score of each class goes with its threshold, and whether probabilities are true."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion.soft_maps import LEVELS, MapScale
from ensemble.tuning.rules import Rules, ThresholdRange
from ensemble.tuning.statistic import TupleStatistic

Floats = NDArray[np.float64]

# Beyond these nearly every pixel lies, which would have to be kept one by one.
THRESHOLDS = ThresholdRange(0.05, 0.95)
NUM_BINS = 18


@dataclass(frozen=True, slots=True)
class ThresholdCurves:
    """`thresholds` (T,) of probabilities; `scores` (T, C): mean over images, without filters."""

    thresholds: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class Calibration:
    """Pixels of C classes by the fused probability, in B even bins from .05 to .95.

    `pixels`, `true` (C, B): how many, and how many of them are foreground in truth; `mass` (C, B):
    the sum of their probabilities.
    """

    pixels: Floats
    true: Floats
    mass: Floats

    def error(self) -> Floats:
        """(C,): mean over pixels of |true share - mean probability| of their bin; NaN for none."""
        pixels = self.pixels.sum(axis=1)
        gaps = np.abs(self.true - self.mass).sum(axis=1)
        return np.asarray(np.where(pixels > 0, gaps / np.maximum(pixels, 1), np.nan))

    def curve(self) -> tuple[Floats, Floats]:
        """Mean probability and true share (B,) of the pixels of all classes; NaN in empty bins."""
        pixels, true, mass = (each.sum(axis=0) for each in (self.pixels, self.true, self.mass))
        return _shares(mass, pixels), _shares(true, pixels)

    def curves(self) -> tuple[Floats, Floats]:
        """The same of each class: (C, B) both."""
        return _shares(self.mass, self.pixels), _shares(self.true, self.pixels)


def _shares(amounts: Floats, pixels: Floats) -> Floats:
    """Amounts a pixel; NaN where there is none."""
    return np.asarray(amounts / np.where(pixels > 0, pixels, np.nan))


def threshold_curves(
    statistic: TupleStatistic, rules: Rules, scale: MapScale, *, count: int = 37
) -> ThresholdCurves:
    """Scores under the weights of rules at so many thresholds over the range of the statistic.

    `rules` are in shares of the scale, as the statistic is.
    """
    span = statistic.thresholds
    shares = np.linspace(span.low, span.high, count)
    scores = [
        statistic.scores(replace(rules, thresholds=np.full(statistic.num_classes, share)))
        for share in shares
    ]
    return ThresholdCurves(
        scale.thresholds(shares), np.stack([each.mean(axis=0) for each in scores])
    )


def calibrate(statistic: TupleStatistic, rules: Rules, scale: MapScale) -> Calibration:
    """Count the undecided pixels of a statistic by their fused probability.

    Those on which all members agree that they lie outside the range are not known one by one.
    """
    num_classes = statistic.num_classes
    edges = np.linspace(THRESHOLDS.low, THRESHOLDS.high, NUM_BINS + 1)
    found = np.zeros((3, num_classes, NUM_BINS))
    for unit, (first, last) in enumerate(pairwise(statistic.offsets.tolist())):
        c = unit % num_classes
        fused = rules.weights[c] @ statistic.values[:, first:last] / LEVELS
        probs = scale.thresholds(fused)
        inside = (probs > edges[0]) & (probs < edges[-1])
        bins = np.searchsorted(edges, probs[inside]) - 1
        total, true = statistic.counts[:, first:last][:, inside]
        for row, amount in enumerate((total, true, total * probs[inside])):
            found[row, c] += np.bincount(bins, amount, minlength=NUM_BINS)
    return Calibration(*found)
