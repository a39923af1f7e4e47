"""Run-length kernels: runs are (R, 2) int64 rows of start (from 0) and length along flat memory."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.words import lowest_bit

_FIRST_CAPACITY = 64
# Words compared at once: a block in one vectorised pass, and the groups of a block that differs.
BLOCK = 256
_GROUP = 8
_WORD_BITS, _BYTE = 64, 8
_LOWER = np.uint64(0x7F7F7F7F7F7F7F7F)
_EACH_BYTE = np.uint64(0x0101010101010101)
_EACH_BIT = np.uint64(0xFFFFFFFFFFFFFFFF)


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
def words_to_runs(
    blocks: NDArray[np.uint64], rest: NDArray[np.uint64], pixel_bits: int, size: int
) -> NDArray[np.int64]:
    """Runs of a flat mask of `size` pixels, held in words (B, BLOCK) and then (BLOCK,).

    A pixel is a byte (pixel_bits = 8) or a bit (1), the first one lowest in its word, and is
    foreground unless it is 0. What stands behind the last pixel counts for nothing. Blocks and
    groups of words that only repeat the pixel before them are passed over.
    """
    changes, count = np.empty(2 * _GROUP * _WORD_BITS, np.int64), 0
    step, high = np.uint64(pixel_bits), np.uint64(_WORD_BITS - pixel_bits)
    shift, every = (0, _EACH_BIT) if pixel_bits == 1 else (3, _EACH_BYTE)
    before, same = np.uint64(0), np.uint64(0)  # is the pixel before foreground; it, in every place
    for b in range(blocks.shape[0] + 1):
        block = blocks[b] if b < blocks.shape[0] else rest
        if _differences(block, 0, BLOCK, same) == 0:
            continue
        for first in range(0, BLOCK, _GROUP):
            if _differences(block, first, _GROUP, same) == 0:
                continue
            changes = _with_room(changes, count, _GROUP * _WORD_BITS)
            for w in range(first, first + _GROUP):
                word = block[w]
                if pixel_bits == _BYTE:
                    word = _foreground_bytes(word)
                flips = word ^ ((word << step) | before)
                before = word >> high
                while flips != 0:
                    place = (b * BLOCK + w) * _WORD_BITS + lowest_bit(flips)
                    changes[count] = place >> shift
                    count += 1
                    flips &= flips - np.uint64(1)
            same = (block[first + _GROUP - 1] >> high) * every
    return _pair_ends(changes, count, size)


@kernel
def _differences(
    words: NDArray[np.uint64], first: int, count: int, expected: np.uint64
) -> np.uint64:
    """0 if `count` words from `first` on are all as expected."""
    found = np.uint64(0)
    for w in range(first, first + count):
        found |= words[w] ^ expected
    return found


@kernel
def _foreground_bytes(word: np.uint64) -> np.uint64:
    """1 in each byte that is not 0: adding 127 to its lower bits carries into the highest."""
    return ((((word & _LOWER) + _LOWER) | word) >> np.uint64(7)) & _EACH_BYTE


@kernel
def _with_room(values: NDArray[np.int64], count: int, more: int) -> NDArray[np.int64]:
    if count + more <= values.shape[0]:
        return values
    grown = np.empty(2 * (count + more), np.int64)
    grown[:count] = values[:count]
    return grown


@kernel
def _pair_ends(changes: NDArray[np.int64], count: int, size: int) -> NDArray[np.int64]:
    """Runs between changes in turn; those beyond the last pixel do not count."""
    while count > 0 and changes[count - 1] >= size:
        count -= 1
    runs = np.empty(((count + 1) // 2, 2), np.int64)
    for r in range(runs.shape[0]):
        end = changes[2 * r + 1] if 2 * r + 1 < count else size
        runs[r, 0] = changes[2 * r]
        runs[r, 1] = end - changes[2 * r]
    return runs


@kernel
def fill_runs(runs: NDArray[np.int64], pixels: NDArray[np.uint8]) -> None:
    """Set the pixels of a flat mask (n,) that lie inside the runs to 1."""
    for r in range(runs.shape[0]):
        pixels[runs[r, 0] : runs[r, 0] + runs[r, 1]] = 1


@kernel
def transpose_runs(runs: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """Row-major runs of a (height, width) mask as column-major runs, without decoding them.

    Going down a column, a mask changes where a row differs from the one above. The first pass
    counts these changes by column, the second puts them in their places, and they are paired.
    """
    counts = np.zeros(width + 1, np.int64)
    _scan_rows(runs, height, width, counts, np.empty(0, np.int64))
    ends = np.cumsum(np.cumsum(counts)[:width])
    changes = np.empty(ends[width - 1] if width > 0 else 0, np.int64)
    cursors = np.zeros(width, np.int64)
    cursors[1:] = ends[: width - 1]
    _scan_rows(runs, height, width, cursors, changes)
    return _pair_changes(changes, ends, height, width)


@kernel
def _scan_rows(
    runs: NDArray[np.int64],
    height: int,
    width: int,
    cursors: NDArray[np.int64],
    changes: NDArray[np.int64],
) -> None:
    """Compare each row with the one above, where one of them is not empty; see `_note_changes`."""
    above, here = np.empty(width + 1, np.int64), np.empty(width + 1, np.int64)
    num_above, r, y = 0, 0, 0
    while num_above > 0 or r < runs.shape[0]:
        if num_above == 0:
            y = max(y, runs[r, 0] // width)
        first, num_here = y * width, 0
        while y < height and r < runs.shape[0] and runs[r, 0] < first + width:
            end = runs[r, 0] + runs[r, 1]
            here[num_here] = max(runs[r, 0] - first, 0)
            here[num_here + 1] = min(end - first, width)
            num_here += 2
            if end > first + width:
                break
            r += 1
        _note_changes(above[:num_above], here[:num_here], y, cursors, changes)
        above, here, num_above = here, above, num_here
        y += 1


@kernel
def _note_changes(
    above: NDArray[np.int64],
    here: NDArray[np.int64],
    y: int,
    cursors: NDArray[np.int64],
    changes: NDArray[np.int64],
) -> None:
    """Visit the columns in which two rows differ, given the ends of their runs.

    Merged, the ends delimit these columns in turn; an end that both rows have delimits none. While
    `changes` is empty, adds to `cursors` the difference of the counts by column; otherwise stores
    y at changes[cursors[x]].
    """
    a, h, start = 0, 0, -1
    while a < above.shape[0] or h < here.shape[0]:
        if h == here.shape[0] or (a < above.shape[0] and above[a] < here[h]):
            end = above[a]
            a += 1
        else:
            end = here[h]
            h += 1
        if start < 0:
            start = end
            continue
        if changes.shape[0] == 0:
            cursors[start] += 1
            cursors[end] -= 1
        else:
            for x in range(start, end):
                changes[cursors[x]] = y
                cursors[x] += 1
        start = -1


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


@kernel
def runs_to_counts(runs: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Lengths of background and foreground in turn along `size` pixels, background first.

    The first may be 0; the last one is so only where there is no pixel at all.
    """
    counts = np.empty(2 * runs.shape[0] + 1, np.int64)
    end = 0
    for r in range(runs.shape[0]):
        counts[2 * r] = runs[r, 0] - end
        counts[2 * r + 1] = runs[r, 1]
        end = runs[r, 0] + runs[r, 1]
    counts[-1] = size - end
    return counts if end < size or end == 0 else counts[:-1]
