"""Run-length kernels: runs are (R, 2) int64 rows of start (from 0) and length along flat memory."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel

_FIRST_CAPACITY = 64
_ONES = np.uint64(0x0101010101010101)
_BLANK, _ZERO, _NINE = 32, 48, 57
# No index of an image comes near this; digits beyond it would overflow int64.
_HUGE = 2**53


@kernel
def append_run(runs: NDArray[np.int64], count: int, start: int, length: int) -> NDArray[np.int64]:
    """Store a run as row `count`; returns `runs`, or a copy of twice its rows when it is full."""
    if count == runs.shape[0]:
        grown = np.empty((2 * count, 2), np.int64)
        grown[:count] = runs
        runs = grown
    runs[count, 0] = start
    runs[count, 1] = length
    return runs


@kernel
def new_runs() -> NDArray[np.int64]:
    """Room for a few runs."""
    return np.empty((_FIRST_CAPACITY, 2), np.int64)


@kernel
def mask_to_runs(pixels: NDArray[np.uint8], words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Runs of a flat mask (n,) of 0 and 1; `words` views its first n // 8 * 8 bytes.

    Eight equal pixels that continue what is open are passed over at once.
    """
    runs, count, start = new_runs(), 0, -1
    for w in range(words.shape[0]):
        if words[w] == (_ONES if start >= 0 else np.uint64(0)):
            continue
        for pixel in range(8 * w, 8 * w + 8):
            if pixels[pixel] != 0 and start < 0:
                start = pixel
            elif pixels[pixel] == 0 and start >= 0:
                runs = append_run(runs, count, start, pixel - start)
                count += 1
                start = -1
    size = pixels.shape[0]
    for pixel in range(8 * words.shape[0], size):
        if pixels[pixel] != 0 and start < 0:
            start = pixel
        elif pixels[pixel] == 0 and start >= 0:
            runs = append_run(runs, count, start, pixel - start)
            count += 1
            start = -1
    if start >= 0:
        runs = append_run(runs, count, start, size - start)
        count += 1
    return runs[:count].copy()


@kernel
def fill_runs(runs: NDArray[np.int64], pixels: NDArray[np.uint8]) -> None:
    """Set the pixels of a flat mask (n,) that lie inside the runs to 1."""
    for r in range(runs.shape[0]):
        pixels[runs[r, 0] : runs[r, 0] + runs[r, 1]] = 1


@kernel
def transpose_runs(runs: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """Row-major runs of a (height, width) mask as column-major runs, without decoding them.

    Going down a column, a mask changes where the row above differs from the row; those changes
    are collected a row at a time, sorted by column in a counting sort, and paired.
    """
    column_counts = np.zeros(width + 1, np.int64)
    _scan_changes(runs, height, width, column_counts, np.empty(0, np.int64))
    ends = np.cumsum(column_counts)
    changes = np.empty(ends[-1], np.int64)
    cursors = np.zeros(width + 1, np.int64)
    cursors[1:] = ends[:-1]
    _scan_changes(runs, height, width, cursors, changes)
    return _pair_changes(changes, ends, height, width)


@kernel
def _scan_changes(
    runs: NDArray[np.int64],
    height: int,
    width: int,
    cursors: NDArray[np.int64],
    changes: NDArray[np.int64],
) -> None:
    """Visit each (y, x) at which a column's value changes, and the end of each open column.

    Counts them in cursors[x] while `changes` is empty, otherwise stores y at changes[cursors[x]].
    """
    above = np.zeros(width, np.uint8)
    here = np.zeros(width, np.uint8)
    r, offset, y = 0, 0, 0
    touched_above = False
    while y <= height:
        here[:] = 0
        touched = False
        while y < height and r < runs.shape[0] and runs[r, 0] + offset < (y + 1) * width:
            first = runs[r, 0] + offset - y * width
            last = min(runs[r, 0] + runs[r, 1] - y * width, width)
            here[first:last] = 1
            touched = True
            if runs[r, 0] + runs[r, 1] > (y + 1) * width:
                offset = (y + 1) * width - runs[r, 0]
                break
            r += 1
            offset = 0
        if touched or touched_above:
            for x in range(width):
                if here[x] != above[x]:
                    if changes.shape[0] > 0:
                        changes[cursors[x]] = y
                    cursors[x] += 1
        above, here = here, above
        touched_above = touched
        y += 1


@kernel
def _pair_changes(
    changes: NDArray[np.int64], ends: NDArray[np.int64], height: int, width: int
) -> NDArray[np.int64]:
    runs, count, first = new_runs(), 0, 0
    for x in range(width):
        for i in range(first, ends[x], 2):
            start = x * height + changes[i]
            length = changes[i + 1] - changes[i]
            if count > 0 and runs[count - 1, 0] + runs[count - 1, 1] == start:
                runs[count - 1, 1] += length
            else:
                runs = append_run(runs, count, start, length)
                count += 1
        first = ends[x]
    return runs[:count].copy()


@kernel
def format_numbers(numbers: NDArray[np.int64], text: NDArray[np.uint8]) -> int:
    """Write non-negative numbers in decimal, blank between, into ASCII bytes; returns the length.

    `text` must have room for 20 bytes a number.
    """
    end = 0
    for i in range(numbers.shape[0]):
        if i > 0:
            text[end] = _BLANK
            end += 1
        value = numbers[i]
        digits = 1
        rest = value // 10
        while rest > 0:
            digits += 1
            rest //= 10
        for place in range(end + digits - 1, end - 1, -1):
            text[place] = _ZERO + value % 10
            value //= 10
        end += digits
    return end


@kernel
def parse_numbers(text: NDArray[np.uint8], numbers: NDArray[np.int64]) -> int:
    """Read decimal numbers separated by blanks from ASCII bytes; returns how many.

    At a byte that is neither digit nor blank, or a number that no image holds, returns -1 - its
    position. `numbers` needs room for len(text) // 2 + 1.
    """
    count = 0
    i = 0
    size = text.shape[0]
    while i < size:
        if text[i] == _BLANK:
            i += 1
            continue
        value = np.int64(0)
        while i < size and text[i] != _BLANK:
            if text[i] < _ZERO or text[i] > _NINE or value > _HUGE:
                return -1 - i
            value = 10 * value + np.int64(text[i] - _ZERO)
            i += 1
        numbers[count] = value
        count += 1
    return count


@kernel
def first_bad_run(runs: NDArray[np.int64], size: int) -> int:
    """Index of the first run that is empty, negative, before the end of the last, or past size.

    Returns -1 where all are fine.
    """
    end = 0
    for r in range(runs.shape[0]):
        if runs[r, 0] < end or runs[r, 1] < 1 or runs[r, 0] + runs[r, 1] > size:
            return r
        end = runs[r, 0] + runs[r, 1]
    return -1


@kernel
def join_touching(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted disjoint runs with those that touch made one."""
    joined = np.empty_like(runs)
    count = 0
    for r in range(runs.shape[0]):
        if count > 0 and joined[count - 1, 0] + joined[count - 1, 1] == runs[r, 0]:
            joined[count - 1, 1] += runs[r, 1]
        else:
            joined[count] = runs[r]
            count += 1
    return joined[:count].copy()
