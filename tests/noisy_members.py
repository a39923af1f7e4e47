"""Three members with noise of their own, of which not all know every class."""

from __future__ import annotations

import numpy as np

from ensemble.bit_planes import Label, pack
from ensemble.tuning.rules import Rules, ThresholdRange
from ensemble.tuning.statistic import StatisticBuilder, TupleStatistic

SIZE = (11, 13)
# The last class is known to the first member only.
PRESENT = np.array([[True, True, True], [True, True, False], [True, False, False]])


def statistic(seed: int = 0, num_images: int = 4) -> TupleStatistic:
    """What three members that waver say of masks of noise."""
    rng = np.random.default_rng(seed)
    builder = StatisticBuilder(PRESENT, range(3), ThresholdRange(0.1, 0.9))
    for _ in range(num_images):
        masks = rng.random((3, *SIZE)) < 0.4
        maps = [
            [
                np.clip(160 * mask + rng.normal(50, 60, SIZE), 0, 255).astype(np.uint8)
                if has
                else None
                for has in row
            ]
            for mask, row in zip(masks, PRESENT, strict=True)
        ]
        builder.add(maps, Label(pack(masks), None))
    return builder.result()


def rules() -> Rules:
    """Of every class its own."""
    weights = np.array([[0.5, 0.3, 0.2], [0.6, 0.4, 0], [1, 0, 0]])
    return Rules(weights, np.array([0.4, 0.5, 0.6]))
