"""Counting and moving bits: bit c % 32 of word c // 32 of a pixel is class c."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel


@kernel
def count_bits(planes: NDArray[np.uint32], counts: NDArray[np.int64]) -> None:
    """Add the number of set pixels of each class of (K, H, W) planes to counts (C,)."""
    num_words, height, width = planes.shape
    num_classes = counts.shape[0]
    for word in range(num_words):
        for y in range(height):
            for x in range(width):
                bits = planes[word, y, x]
                c = word * 32
                while bits != 0 and c < num_classes:
                    counts[c] += np.int64(bits & np.uint32(1))
                    bits >>= np.uint32(1)
                    c += 1


@kernel
def count_bit_in_runs(plane: NDArray[np.uint32], bit: int, runs: NDArray[np.int64]) -> int:
    """Number of pixels inside runs (R, 2: start, length; row-major, from 0) that have the bit set.

    `plane` is flat (H * W,). The runs must lie inside it.
    """
    total = 0
    shift = np.uint32(bit)
    for r in range(runs.shape[0]):
        for pixel in range(runs[r, 0], runs[r, 0] + runs[r, 1]):
            total += int((plane[pixel] >> shift) & np.uint32(1))
    return total


@kernel
def permute_bits(
    planes: NDArray[np.uint32], permutation: NDArray[np.int64], permuted: NDArray[np.uint32]
) -> None:
    """Set bit c of `permuted` (zeros) where bit permutation[c] of `planes` is set."""
    _, height, width = planes.shape
    for c in range(permutation.shape[0]):
        source = permutation[c]
        from_word, from_bit = source // 32, np.uint32(source % 32)
        to_word, to_bit = c // 32, np.uint32(c % 32)
        for y in range(height):
            for x in range(width):
                bit = (planes[from_word, y, x] >> from_bit) & np.uint32(1)
                permuted[to_word, y, x] |= bit << to_bit


@kernel
def set_bit_in_runs(plane: NDArray[np.uint32], bit: int, runs: NDArray[np.int64]) -> None:
    """Set the bit of the pixels inside runs (R, 2: start, length; row-major, from 0).

    `plane` is flat (H * W,). The runs must lie inside it.
    """
    value = np.uint32(1) << np.uint32(bit)
    for r in range(runs.shape[0]):
        for pixel in range(runs[r, 0], runs[r, 0] + runs[r, 1]):
            plane[pixel] |= value
