"""What an epoch of a member's training brought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EpochResult:
    """An epoch that has ended, counted from 1; `dice` (C,) is None where it was not validated."""

    member: str
    epoch: int
    num_epochs: int
    train_loss: float
    dice: NDArray[np.float64] | None
    is_best: bool
    seconds: float

    @property
    def val_dice(self) -> float | None:
        """Mean over classes."""
        return None if self.dice is None else float(self.dice.mean())


Watch = Callable[[EpochResult], None]
