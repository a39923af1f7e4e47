"""Kernels between numbers and the ASCII bytes of run-length strings."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel

_BLANK, _ZERO, _NINE = 32, 48, 57
# No index of an image comes near this; digits beyond it would overflow int64.
_HUGE = 2**53
# The four digits of each number below 10 000, one number after the other.
_CHUNK, _CHUNKS = 4, 10_000
_DIGITS = np.frombuffer(b"".join(b"%04d" % n for n in range(_CHUNKS)), np.uint8)
# COCO: five bits a character, and a bit that says whether more follow.
_GROUP_BITS, _VALUE, _SIGN, _MORE = 5, 0x1F, 0x10, 0x20
# A count of at most 2^31 takes seven groups with its sign.
MAX_GROUPS = 7


@kernel
def format_runs(runs: NDArray[np.int64], base: int, text: NDArray[np.uint8]) -> int:
    """Write runs in decimal, blank between, the first pixel being `base`; returns the length.

    `text` must have room for 40 bytes a run.
    """
    end = 0
    for r in range(runs.shape[0]):
        if r > 0:
            text[end] = _BLANK
            end += 1
        end = _write_number(runs[r, 0] + base, text, end)
        text[end] = _BLANK
        end = _write_number(runs[r, 1], text, end + 1)
    return end


@kernel
def _write_number(value: int, text: NDArray[np.uint8], first: int) -> int:
    """Write a number from `first` on, four digits at a time from the right; returns its end."""
    end, limit = first + 1, 10
    while value >= limit and end < first + 18:
        end += 1
        limit *= 10
    place = end
    while place - first > _CHUNK:
        rest = value // _CHUNKS
        digits = _CHUNK * (value - rest * _CHUNKS)
        place -= _CHUNK
        for i in range(_CHUNK):
            text[place + i] = _DIGITS[digits + i]
        value = rest
    digits = _CHUNK * value + _CHUNK - (place - first)
    for i in range(place - first):
        text[first + i] = _DIGITS[digits + i]
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
def format_coco_counts(counts: NDArray[np.int64], text: NDArray[np.uint8]) -> int:
    """Write counts as COCO compresses them, as rleToString of pycocotools; returns the length.

    From the fourth on, a count is written as the difference to the one two places before. Five
    bits a character, the lowest first, the last one signed. `text` needs 13 bytes a count.
    """
    end = 0
    for i in range(counts.shape[0]):
        value = counts[i] - counts[i - 2] if i > 2 else counts[i]
        more = True
        while more:
            group = value & _VALUE
            value >>= _GROUP_BITS
            more = value != (-1 if group & _SIGN else 0)
            text[end] = _ZERO + (group | _MORE if more else group)
            end += 1
    return end


@kernel
def parse_coco_counts(text: NDArray[np.uint8], counts: NDArray[np.int64]) -> int:
    """Read what `format_coco_counts` wrote; returns how many counts.

    At a character that COCO does not write, a number beyond any image or an end in the middle of
    one, returns -1 - its position. `counts` needs room for len(text).
    """
    count, value, groups = 0, np.int64(0), 0
    for i in range(text.shape[0]):
        group = np.int64(text[i]) - _ZERO
        if group < 0 or group > (_VALUE | _MORE) or groups == MAX_GROUPS:
            return -1 - i
        value |= (group & _VALUE) << (_GROUP_BITS * groups)
        groups += 1
        if group & _MORE:
            continue
        if group & _SIGN:
            value -= 1 << (_GROUP_BITS * groups)
        counts[count] = value + counts[count - 2] if count > 2 else value
        count, value, groups = count + 1, np.int64(0), 0
    return count if groups == 0 else -1 - text.shape[0]
