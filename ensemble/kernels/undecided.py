"""Upsampling soft maps row by row and keeping the pixels whose label is not certain yet.

The maps of a class lie one after the other in flat memory, (h_m * w_m) uint8 each.
"""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.lattice import Axis, axis_table

Window = tuple[int, int, int, int]


@kernel
def collect_undecided(
    maps: NDArray[np.uint8],
    sizes: tuple[NDArray[np.int64], NDArray[np.int64]],
    plane: NDArray[np.uint32],
    bit: int,
    ignored: NDArray[np.bool_],
    limits: tuple[float, float],
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], int, int]:
    """Upsample the M maps of one class to (H, W) and keep the pixels that are not certain.

    `sizes`: heights (M,) and widths (M,). `plane` (H, W) has the truth in `bit`; `ignored` is
    (H, W), or (0, 0) where every pixel counts. A pixel is background where its largest value is
    <= limits[0], foreground where its smallest is > limits[1].
    Answers the others' values (M, n) and truth (n,) in raster order, and how many pixels are
    certain foreground, and how many of those are foreground in truth. One row of every map is
    held at a time, and the values of the window outside which all is background.
    """
    height, width = plane.shape
    top, bottom, left, right = _window(maps, sizes, height, width, limits[0])
    rows, columns = axis_table(sizes[0], height), axis_table(sizes[1], width)
    line = np.empty((sizes[0].shape[0], right - left), np.uint8)
    values = np.empty((line.shape[0], (bottom - top) * (right - left)), np.uint8)
    truth = np.empty(values.shape[1], np.bool_)
    kept, foreground, hits = 0, 0, 0
    for y in range(top, bottom):
        upsample_row(maps, sizes, (y, left), rows, columns, line)
        for x in range(right - left):
            if ignored.shape[0] > 0 and ignored[y, left + x]:
                continue
            smallest, largest = _extremes(line, x)
            if largest <= limits[0]:
                continue
            positive = (plane[y, left + x] >> np.uint32(bit)) & np.uint32(1) != 0
            if smallest > limits[1]:
                foreground += 1
                hits += int(positive)
                continue
            values[:, kept] = line[:, x]
            truth[kept] = positive
            kept += 1
    return values[:, :kept].copy(), truth[:kept].copy(), foreground, hits


@kernel
def _extremes(line: NDArray[np.uint8], x: int) -> tuple[int, int]:
    smallest, largest = line[0, x], line[0, x]
    for m in range(1, line.shape[0]):
        smallest = min(smallest, line[m, x])
        largest = max(largest, line[m, x])
    return smallest, largest


@kernel
def _window(
    maps: NDArray[np.uint8],
    sizes: tuple[NDArray[np.int64], NDArray[np.int64]],
    height: int,
    width: int,
    low: float,
) -> Window:
    """Rows and columns (top, bottom, left, right) outside which every map is <= low.

    A bilinear value lies between its corners, so it is <= low wherever they are.
    """
    top, bottom, left, right = height, 0, width, 0
    start = 0
    for m in range(sizes[0].shape[0]):
        h, w = sizes[0][m], sizes[1][m]
        box = _box_above(maps[start : start + h * w], w, low)
        start += h * w
        if box[1] >= 0:
            top = min(top, int(np.floor((box[0] - 0.5) * height / h - 0.5)))
            bottom = max(bottom, int(np.ceil((box[1] + 1.5) * height / h - 0.5)) + 1)
            left = min(left, int(np.floor((box[2] - 0.5) * width / w - 0.5)))
            right = max(right, int(np.ceil((box[3] + 1.5) * width / w - 0.5)) + 1)
    if bottom == 0:
        return 0, 0, 0, 0
    return max(top, 0), min(bottom, height), max(left, 0), min(right, width)


@kernel
def _box_above(pixels: NDArray[np.uint8], width: int, low: float) -> Window:
    """First and last row, first and last column of the values above low; last row -1 for none."""
    top, bottom, left, right = -1, -1, width, -1
    for y in range(pixels.shape[0] // width):
        for x in range(width):
            if pixels[y * width + x] > low:
                if top < 0:
                    top = y
                bottom = y
                left = min(left, x)
                right = max(right, x)
    return top, bottom, left, right


@kernel
def upsample_row(
    maps: NDArray[np.uint8],
    sizes: tuple[NDArray[np.int64], NDArray[np.int64]],
    corner: tuple[int, int],
    rows: Axis,
    columns: Axis,
    line: NDArray[np.uint8],
) -> None:
    """Row y of every map from column x on (corner = y, x), upsampled and rounded, into `line`.

    Halves are rounded down, so that a single map is > 0.5 after rounding exactly where it was
    before: 127.5 of 255 becomes 127.
    """
    y, left = corner
    start = 0
    for m in range(line.shape[0]):
        w = sizes[1][m]
        upper, lower = start + rows.lower[m, y] * w, start + rows.upper[m, y] * w
        down = rows.weight[m, y]
        for x in range(line.shape[1]):
            a, b = columns.lower[m, left + x], columns.upper[m, left + x]
            first = np.float32(maps[upper + a])
            first += down * (np.float32(maps[lower + a]) - first)
            second = np.float32(maps[upper + b])
            second += down * (np.float32(maps[lower + b]) - second)
            value = first + columns.weight[m, left + x] * (second - first)
            line[m, x] = np.uint8(np.ceil(value - np.float32(0.5)))
        start += sizes[0][m] * w


@kernel
def merge_tuples(
    values: NDArray[np.uint8], counts: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Unite equal columns of values (M, n), whose counts (2, n) are summed: (M, k) and (2, k).

    Columns come in the order of their first appearance. A hash table with open addressing.
    """
    num_maps, count = values.shape
    size = 1
    while size < 2 * count:
        size *= 2
    table = np.full(size, -1, np.int64)
    first = np.empty(count, np.int64)
    sums = np.zeros((2, count), np.int32)
    kept = 0
    for i in range(count):
        slot = _hash(values, i) & (size - 1)
        while table[slot] >= 0 and not _same(values, first[table[slot]], i):
            slot = (slot + 1) & (size - 1)
        if table[slot] < 0:
            table[slot] = kept
            first[kept] = i
            kept += 1
        sums[0, table[slot]] += counts[0, i]
        sums[1, table[slot]] += counts[1, i]
    merged = np.empty((num_maps, kept), np.uint8)
    for m in range(num_maps):
        for k in range(kept):
            merged[m, k] = values[m, first[k]]
    return merged, sums[:, :kept].copy()


@kernel
def _hash(values: NDArray[np.uint8], column: int) -> int:
    """The column as a number to base 257, modulo the prime 2 ** 31 - 1."""
    code = 0
    for m in range(values.shape[0]):
        code = (code * 257 + int(values[m, column])) % 2147483647
    return code


@kernel
def _same(values: NDArray[np.uint8], a: int, b: int) -> bool:
    same = True
    for m in range(values.shape[0]):
        same &= values[m, a] == values[m, b]
    return same
