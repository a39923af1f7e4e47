"""How much the masks of any two classes share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Shared pixels of C classes over N images.

    `shared_px` (C, C) summed over images, areas on the diagonal. `num_images` (C, C): in how many
    images two classes share a pixel. `worst_share` (C, C): the largest share of the smaller of the
    two masks that is shared, and `worst_image` (C, C) the index of that image, -1 where there is
    none. `equal` (E, 3): image and two classes whose masks there are the same pixels.
    """

    shared_px: NDArray[np.int64]
    num_images: NDArray[np.int64]
    worst_share: Floats
    worst_image: NDArray[np.int64]
    equal: NDArray[np.int64]

    @property
    def share_of_smaller(self) -> Floats:
        """(C, C): shared pixels of all images over the area of the class that has less, or 0."""
        areas = np.diagonal(self.shared_px)
        smaller = np.minimum(areas[:, None], areas[None, :])
        return np.asarray(self.shared_px / np.maximum(smaller, 1))

    def worst_pairs(self) -> NDArray[np.int64]:
        """(P, 2): classes a < b that share pixels, those first that share most of the smaller."""
        pairs = np.argwhere(np.triu(self.shared_px > 0, 1))
        shares = self.share_of_smaller[pairs[:, 0], pairs[:, 1]]
        return np.asarray(pairs[np.argsort(-shares, kind="stable")])


class OverlapSum:
    """Adds the shared pixels of one image after the other."""

    def __init__(self, num_classes: int) -> None:
        shape = (num_classes, num_classes)
        self._shared = np.zeros(shape, np.int64)
        self._images = np.zeros(shape, np.int64)
        self._worst = np.zeros(shape)
        self._worst_image = np.full(shape, -1, np.int64)
        self._equal: list[tuple[int, int, int]] = []
        self._count = 0

    def add(self, shared: NDArray[np.int64]) -> None:
        """Shared pixels (C, C) of the next image, areas on the diagonal."""
        areas = np.diagonal(shared)
        share = shared / np.maximum(np.minimum(areas[:, None], areas[None, :]), 1)
        is_worse = share > self._worst
        self._worst[is_worse] = share[is_worse]
        self._worst_image[is_worse] = self._count
        self._shared += shared
        self._images += shared > 0
        is_equal = (shared > 0) & (shared == areas[:, None]) & (shared == areas[None, :])
        pairs = np.argwhere(np.triu(is_equal, 1)).tolist()
        self._equal += [(self._count, a, b) for a, b in pairs]
        self._count += 1

    def result(self) -> Overlaps:
        """What was added."""
        equal = np.array(self._equal, np.int64).reshape(-1, 3)
        return Overlaps(self._shared, self._images, self._worst, self._worst_image, equal)
