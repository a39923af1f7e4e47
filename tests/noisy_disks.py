"""Members that see disks through noise, as tuning keeps them."""

from __future__ import annotations

import numpy as np

from ensemble.bit_planes import Label, pack
from ensemble.tuning.rules import ThresholdRange
from ensemble.tuning.statistic import StatisticBuilder, TupleStatistic


def simulate(noise, num_images=30, seed=0) -> TupleStatistic:
    """Disks seen by members through noise (C, M), in logits on the image's own grid."""
    rng = np.random.default_rng(seed)
    noise = np.asarray(noise, float)
    builder = StatisticBuilder(np.ones(noise.shape, bool), range(len(noise)), ThresholdRange())
    rows, columns = np.mgrid[:24, :24]
    for _ in range(num_images):
        masks, maps = [], []
        for row in noise:
            centre, radius = rng.uniform(8, 16, 2), rng.uniform(4, 7)
            distance = radius - np.hypot(rows - centre[0], columns - centre[1])
            masks.append(distance > 0)
            logits = [1.5 * distance + rng.normal(0, level, (24, 24)) for level in row]
            maps.append([np.rint(255 / (1 + np.exp(-logit))).astype(np.uint8) for logit in logits])
        builder.add(maps, Label(pack(np.array(masks))))
    return builder.result()
