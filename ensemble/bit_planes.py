"""Labels as bit planes: (K, H, W) uint32, K = ceil(C / 32), bit c % 32 of word c // 32 is class c.

29 overlapping masks are one 32-bit image, which is cropped, warped and cached as cheaply as one
mask, and unpacked to (C, H, W) only where a network or a picture needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.bit_planes import (
    count_bit_in_runs,
    count_bits,
    permute_bits,
    set_bit_in_runs,
)

WORD_BITS = 32

Planes = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of one image: its masks, and the pixels that do not count.

    `planes` (K, H, W) uint32; `ignored` (H, W) bool, True where a pixel is left out of loss and
    metrics, or None where every pixel counts. Ignored pixels have no bit set.
    """

    planes: Planes
    ignored: NDArray[np.bool_] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.planes.shape[1], self.planes.shape[2]


def num_words(num_classes: int) -> int:
    """K, the number of 32-bit words that hold one bit a class."""
    return -(-num_classes // WORD_BITS)


def empty_planes(num_classes: int, size: tuple[int, int]) -> Planes:
    """Planes of (H, W) = size in which no class is anywhere."""
    return np.zeros((num_words(num_classes), *size), np.uint32)


def add_mask(planes: Planes, class_index: int, mask: NDArray[np.bool_]) -> None:
    """Unite a mask (H, W) bool with what the class already has, in place."""
    word, bit = divmod(class_index, WORD_BITS)
    np.bitwise_or(
        planes[word], np.uint32(1) << np.uint32(bit), out=planes[word], where=mask.astype(np.bool_)
    )


def get_mask(planes: Planes, class_index: int) -> NDArray[np.bool_]:
    """The mask (H, W) bool of one class."""
    word, bit = divmod(class_index, WORD_BITS)
    mask: NDArray[np.bool_] = (planes[word] >> np.uint32(bit)) & np.uint32(1) != 0
    return mask


def pack(masks: NDArray[np.bool_]) -> Planes:
    """Masks (C, H, W) bool to planes (K, H, W)."""
    planes = empty_planes(len(masks), masks.shape[1:])
    for index, mask in enumerate(masks):
        add_mask(planes, index, mask)
    return planes


def from_runs(runs: Sequence[NDArray[np.int64]], size: tuple[int, int]) -> Planes:
    """Planes of (H, W) = size from row-major runs (R, 2), one entry a class, which must fit."""
    planes = empty_planes(len(runs), size)
    for index, mask in enumerate(runs):
        word, bit = divmod(index, WORD_BITS)
        set_bit_in_runs(planes[word].reshape(-1), bit, mask)
    return planes


def class_words(class_indices: Iterable[int], num_classes: int) -> NDArray[np.uint32]:
    """(K,): words in which the bits of some of C classes are set."""
    words = np.zeros(num_words(num_classes), np.uint32)
    for index in class_indices:
        word, bit = divmod(index, WORD_BITS)
        words[word] |= np.uint32(1) << np.uint32(bit)
    return words


def unpack(planes: Planes, num_classes: int) -> NDArray[np.bool_]:
    """Planes (K, H, W) to masks (C, H, W) bool; the inverse of `pack`."""
    return np.stack([get_mask(planes, index) for index in range(num_classes)])


def areas_px(planes: Planes, num_classes: int) -> NDArray[np.int64]:
    """Number of pixels of each class, (C,)."""
    counts = np.zeros(num_classes, np.int64)
    count_bits(planes, counts)
    return counts


def intersection_px(planes: Planes, class_index: int, runs: NDArray[np.int64]) -> int:
    """Pixels of a class inside runs (R, 2: start, length; row-major, from 0), not decoded."""
    word, bit = divmod(class_index, WORD_BITS)
    return int(count_bit_in_runs(planes[word].reshape(-1), bit, runs))


def permute_classes(planes: Planes, permutation: Sequence[int]) -> Planes:
    """Planes whose class c is the old class permutation[c]."""
    permuted = np.zeros_like(planes)
    permute_bits(planes, np.asarray(permutation, np.int64), permuted)
    return permuted


def resize_nearest(planes: Planes, size: tuple[int, int]) -> Planes:
    """Planes resampled to (H, W) = size, each pixel taken from the one that its centre falls into.

    cv2's INTER_NEAREST takes the corner instead, which moves a label by half a source pixel
    per halving against its area-averaged image.
    """
    _, height, width = planes.shape
    if (height, width) == tuple(size):
        return planes
    return planes[:, _centres(size[0], height)[:, None], _centres(size[1], width)[None, :]]


def _centres(new: int, old: int) -> NDArray[np.int64]:
    return (2 * np.arange(new, dtype=np.int64) + 1) * old // (2 * new)


def to_channels(planes: Planes) -> NDArray[np.uint8]:
    """Planes (K, H, W) as an image (H, W, 4 K) uint8, which cv2 can warp (nearest) bit for bit."""
    channels = np.ascontiguousarray(planes.transpose(1, 2, 0))
    return channels.view(np.uint8)


def from_channels(channels: NDArray[np.uint8]) -> Planes:
    """The inverse of `to_channels`."""
    words = np.ascontiguousarray(channels).view(np.uint32)
    return np.ascontiguousarray(words.transpose(2, 0, 1))
