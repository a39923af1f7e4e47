"""Where the classes of all images lie, those that show them the other way round kept apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COVER_CELLS = 64

Floats = NDArray[np.float64]


class SidedCovers:
    """Adds covers (C, 64, 64), an image after the other, into two sums of opposite orders.

    Which sum an image goes to is decided by the images before it, so that no cover is kept. One
    whose order tells nothing goes to the first.
    """

    def __init__(self, num_classes: int) -> None:
        self._sums = np.zeros((2, num_classes, COVER_CELLS, COVER_CELLS))
        self._order = np.zeros(num_classes)
        self._is_second: list[bool] = []

    def add(self, cover: Floats, order: Floats) -> None:
        """The next image: its cover, and its order (C,) as `across_order` has it."""
        is_second = bool(order @ self._order < 0)
        self._order += -order if is_second else order
        self._sums[int(is_second)] += cover
        self._is_second.append(is_second)

    def sum(self, is_mirrored: NDArray[np.bool_]) -> Floats:
        """All covers (C, 64, 64), that sum turned left to right which holds the mirrored images.

        `is_mirrored` (N,) as `mirrored_images` has it.
        """
        if not is_mirrored.any():
            return np.asarray(self._sums.sum(axis=0))
        mirrored = int((np.array(self._is_second) == is_mirrored).mean() > 0.5)
        return np.asarray(self._sums[1 - mirrored] + self._sums[mirrored][:, :, ::-1])
