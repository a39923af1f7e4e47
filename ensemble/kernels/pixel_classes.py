"""The classes of single pixels of (K, H, W) bit planes."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel


@kernel
def is_same_pixel(planes: NDArray[np.uint32], y: int, a: int, b: int) -> bool:
    """Whether the pixels at a and b of row y have the same classes."""
    is_same = True
    for word in range(planes.shape[0]):
        is_same = is_same and planes[word, y, a] == planes[word, y, b]
    return is_same


@kernel
def classes_at(planes: NDArray[np.uint32], y: int, x: int, found: NDArray[np.int64]) -> int:
    """Write the classes of a pixel to the front of `found`, in order; how many they are."""
    count = 0
    for word in range(planes.shape[0]):
        bits = planes[word, y, x]
        c = word * 32
        while bits != 0 and c < found.shape[0]:
            if bits & np.uint32(1):
                found[count] = c
                count += 1
            bits >>= np.uint32(1)
            c += 1
    return count
