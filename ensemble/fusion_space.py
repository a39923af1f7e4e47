"""The space in which soft maps are averaged: probabilities, or their logits."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

FusionSpace = Literal["prob", "logit"]

# Where logits are averaged, no probability counts as nearer to 0 than this, nor to 1 where classes
# overlap: else one member whose logits are huge would outvote all others together.
PROB_FLOOR = 1e-4


def limits_of(thresholds: NDArray[np.float64], space: FusionSpace) -> NDArray[np.float64]:
    """Thresholds (C,) of probabilities in the space in which maps are summed."""
    return thresholds if space == "prob" else np.log(thresholds) - np.log1p(-thresholds)
