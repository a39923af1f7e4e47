"""How unsure an ensemble is of each pixel, as an 8-bit image of the size of the picture.

entropy        of overlapping classes the largest over classes of H(S[c]) = -S log2 S - (1 - S)
               log2 (1 - S), in bits; of exclusive ones -sum of S ln S / ln C. Both lie in 0..1.
disagreement   the largest over classes of 2 sqrt(sum of w s^2 - S^2): the weighted standard
               deviation of what members say, over the largest that there can be, so 0..1.

S and the weighted sum of squares are interpolated as the fused maps are. Views of a member are
averaged before. Windows of a member that overlap count as answers of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion_space import FusionSpace
from ensemble.kernels.uncertainty import add_shares, raise_nearness, raise_variance
from ensemble.maps.masks import Band, all_classes
from ensemble.streaming import Mapper

UncertaintyKind = Literal["entropy", "disagreement"]
Uncertainty = NDArray[np.uint8]

LEVELS = 255
# A probability this near to 0 or 1, of which half a level of entropy is left, shows as 0.
_SURE = 1.45e-4
# A variance below this shows as 0.
_LEAST_VARIANCE = (0.5 / LEVELS / 2) ** 2
# Every other class each, for two threads.
_HALVES = (slice(0, None, 2), slice(1, None, 2))


def band_entropy(
    band: Band, space: FusionSpace, *, exclusive: bool, mapper: Mapper = map
) -> Uncertainty:
    """Rows (n, W) uint8 of a band, 0 for sure to 255; classes are shared out by `mapper`."""
    flat, lattice = all_classes(band)
    if exclusive:
        is_log = space == "logit"

        def shares(classes: slice) -> NDArray[np.float32]:
            sums = np.zeros((2, *_shape(band)), np.float32)
            for maps in flat[classes]:
                add_shares(maps, lattice, is_log, sums[0], sums[1])
            return sums

        total, logs = np.add.reduce(list(mapper(shares, _HALVES)))
        total = np.maximum(total, np.finfo(np.float32).tiny)
        return _levels((np.log(total) - logs / total) / np.log(max(len(flat), 2)))
    centre, least = (0.5, _SURE - 0.5) if space == "prob" else (0.0, -_logit(1 - _SURE))

    def nearest(classes: slice) -> NDArray[np.float32]:
        nearness = np.full(_shape(band), -np.inf, np.float32)
        for maps in flat[classes]:
            raise_nearness(maps, lattice, np.float32(centre), np.float32(least), nearness)
        return nearness

    nearness = np.maximum.reduce(list(mapper(nearest, _HALVES)))
    smaller = nearness + 0.5 if space == "prob" else 1 / (1 + np.exp(-nearness))
    return _levels(_entropy(np.clip(smaller, 0.0, 0.5)))


def band_disagreement(band: Band, *, mapper: Mapper = map) -> Uncertainty:
    """Rows (n, W) uint8 of a band of probabilities that holds squares."""
    flat, lattice = all_classes(band)
    squares, _ = all_classes(replace(band, maps=band.squares))

    def largest(classes: slice) -> NDArray[np.float32]:
        variance = np.zeros(_shape(band), np.float32)
        for maps, second in zip(flat[classes], squares[classes], strict=True):
            raise_variance(maps, second, lattice, np.float32(_LEAST_VARIANCE), variance)
        return variance

    return _levels(2 * np.sqrt(np.maximum.reduce(list(mapper(largest, _HALVES)))))


def _shape(band: Band) -> tuple[int, int]:
    return band.rows[1] - band.rows[0], band.size[1]


def _entropy(p: NDArray[np.float32]) -> NDArray[np.float32]:
    """Binary entropy in bits."""
    found = np.zeros_like(p)
    unsure = p > 0
    few = p[unsure]
    found[unsure] = -few * np.log2(few) - (1 - few) * np.log2(1 - few)
    return found


def _levels(shares: NDArray[np.float32]) -> Uncertainty:
    return np.asarray(np.rint(np.clip(shares, 0.0, 1.0) * LEVELS), np.uint8)


def _logit(p: float) -> float:
    return float(np.log(p) - np.log1p(-p))
