"""What one look at a label counts: areas, places, overlaps, and the grey levels under each class.

Neighbours in a row mostly hold the same word: the sweep goes by stretches of equal words, of which
only the ends cost anything.
"""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.pixel_classes import classes_at, is_same_pixel

# Columns of the sums of a class.
AREA, Y, X, YY, XY, XX, LEVELS = range(7)
NUM_SUMS = 7


@kernel
def add_label_sums(
    planes: NDArray[np.uint32],
    levels: NDArray[np.uint8] | NDArray[np.uint16],
    sums: NDArray[np.int64],
    boxes: NDArray[np.int64],
    shared: NDArray[np.int64],
    cover: NDArray[np.float64],
) -> int:
    """Add to the sums, boxes, shared pixels and covers of C classes; how many pixels have several.

    `planes` (K, H, W), grey `levels` (H, W). `sums` (C, 7): pixels, sums of y, x, y y, x y, x x and
    of levels. `boxes` (C, 4): top, left, bottom, right, the ends not included; where a class is
    nowhere they stay. `shared` (C, C): pixels of both classes, areas on the diagonal. `cover`
    (C, G, G): the share of each cell, if the image is cut into G x G equal cells.
    """
    _, height, width = planes.shape
    present = np.empty(sums.shape[0], np.int64)
    several = 0
    for y in range(height):
        start = 0
        while start < width:
            end = start + 1
            while end < width and is_same_pixel(planes, y, start, end):
                end += 1
            count = classes_at(planes, y, start, present)
            if count:
                total = np.int64(0)
                for x in range(start, end):
                    total += np.int64(levels[y, x])
                for i in range(count):
                    c = present[i]
                    _add_stretch(sums[c], boxes[c], y, start, end)
                    sums[c, LEVELS] += total
                    _add_cover(cover[c], y / height, (y + 1) / height, start / width, end / width)
                    for j in range(count):
                        shared[c, present[j]] += end - start
                if count > 1:
                    several += end - start
            start = end
    return several


@kernel
def _add_stretch(
    sums: NDArray[np.int64], box: NDArray[np.int64], y: int, start: int, end: int
) -> None:
    """Add the pixels start..end - 1 of a row to the sums and the box of a class."""
    length = end - start
    along = (start + end - 1) * length // 2
    squares = _squares_below(end) - _squares_below(start)
    is_first = sums[AREA] == 0
    sums[AREA] += length
    sums[Y] += y * length
    sums[X] += along
    sums[YY] += y * y * length
    sums[XY] += y * along
    sums[XX] += squares
    box[0] = y if is_first else box[0]
    box[1] = start if is_first else min(box[1], start)
    box[2] = y + 1
    box[3] = end if is_first else max(box[3], end)


@kernel
def _squares_below(n: int) -> int:
    """0 + 1 + 4 + ... + (n - 1)^2."""
    return (n - 1) * n * (2 * n - 1) // 6


@kernel
def _add_cover(
    cover: NDArray[np.float64], top: float, bottom: float, left: float, right: float
) -> None:
    """Add a rectangle, in shares of the image, to the cells that it covers."""
    rows, columns = cover.shape
    top, bottom, left, right = top * rows, bottom * rows, left * columns, right * columns
    for row in range(int(top), min(int(np.ceil(bottom)), rows)):
        high = min(bottom, row + 1.0) - max(top, float(row))
        for column in range(int(left), min(int(np.ceil(right)), columns)):
            wide = min(right, column + 1.0) - max(left, float(column))
            cover[row, column] += high * wide
