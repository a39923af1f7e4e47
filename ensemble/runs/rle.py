"""Run-length encoded masks: arrays of runs, and the "start length" strings of submissions.

Runs are (R, 2) int64 rows of (start, length), start counted from 0 along the row-major pixels of
an (H, W) mask; sorted, disjoint, and never touching, so that equal masks have equal runs. Strings
have an order ("row": row-major, "column": column-major) and a base (the number of the first pixel).
Column-major runs are the runs of the transposed mask; what returns or takes them says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import RleError
from ensemble.kernels.rle import (
    BLOCK,
    fill_runs,
    first_bad_run,
    join_touching,
    transpose_runs,
    words_to_runs,
)
from ensemble.kernels.run_strings import format_runs, parse_numbers

Runs = NDArray[np.int64]
Mask = NDArray[np.bool_] | NDArray[np.uint8]
Order = Literal["row", "column"]
Base = Literal[0, 1]

_RUN_CHARACTERS = 40
_WORD_BYTES, _WORD_BITS = 8, 64
# What other programs write for an empty mask, in lower case. Some write it for "not predicted".
NO_MASK_WORDS = frozenset({"-1", "nan", "none", "null", "na", "n/a"})


@dataclass(frozen=True, slots=True)
class RleFormat:
    """How strings count pixels: along rows or columns, from 0 or from 1."""

    order: Order = "row"
    base: Base = 1

    def parse(self, text: str, size: tuple[int, int]) -> Runs:
        """Row-major runs of a string, as `parse_rle`."""
        return parse_rle(text, size, order=self.order, base=self.base)

    def format(self, runs: Runs, size: tuple[int, int]) -> str:
        """The string of row-major runs, as `format_rle`."""
        return format_rle(runs, size, order=self.order, base=self.base)


def encode(mask: Mask, *, order: Order = "row") -> Runs:
    """Runs of a mask (H, W), bool or uint8 of which all but 0 is foreground; inverse of `decode`.

    `order` is that of the runs, whatever that of the memory: a C- or Fortran-ordered mask is read
    in its own order, and the runs are transposed if need be, the mask never.
    """
    if mask.ndim != 2 or mask.dtype not in (np.bool_, np.uint8):
        raise RleError(
            "a mask cannot be encoded",
            expected="(H, W) of bool or uint8",
            got=f"{mask.shape} of {mask.dtype}",
        )
    memory: Order = "column" if mask.flags.f_contiguous and not mask.flags.c_contiguous else "row"
    lines = mask.T if memory == "column" else np.ascontiguousarray(mask)
    runs = _scan(lines.reshape(-1).view(np.uint8), 8, mask.size)
    return reorder(runs, mask.shape, memory, order)


def encode_packed(
    words: NDArray[np.uint64],
    size: tuple[int, int],
    *,
    packed: Order = "row",
    order: Order = "row",
) -> Runs:
    """Runs of an (H, W) = size mask of a bit a pixel, 64 in a word, the first one lowest.

    The bits follow the flat mask in the order `packed`, so that a word may hold the end of a line
    and the start of the next. Only the last word is padded, and its padding may hold anything.
    `order` is that of the runs.
    """
    num_pixels = size[0] * size[1]
    num_words = -(-num_pixels // _WORD_BITS)
    if words.dtype != np.uint64 or words.shape != (num_words,):
        raise RleError(
            f"packed words do not fit a mask of {size[1]} x {size[0]}",
            expected=f"({num_words},) of uint64",
            got=f"{words.shape} of {words.dtype}",
        )
    runs = _scan(np.ascontiguousarray(words).view(np.uint8), 1, num_pixels)
    return reorder(runs, size, packed, order)


def decode(runs: Runs, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask (H, W) bool of runs; raises RleError for runs that do not fit into (H, W) = size."""
    check_runs(runs, size)
    pixels = np.zeros(size[0] * size[1], np.uint8)
    fill_runs(runs, pixels)
    return pixels.view(np.bool_).reshape(size)


def area(runs: Runs) -> int:
    """Number of pixels."""
    return int(runs[:, 1].sum())


def empty_runs() -> Runs:
    """The runs of a mask without a pixel."""
    return np.zeros((0, 2), np.int64)


def transpose(runs: Runs, size: tuple[int, int]) -> Runs:
    """Runs of the transposed mask: row-major to column-major order of an (H, W) = size mask.

    Raises RleError for runs that do not fit into it.
    """
    check_runs(runs, size)
    return transpose_runs(join_touching(runs), size[0], size[1])


def reorder(runs: Runs, size: tuple[int, int], old: Order, new: Order) -> Runs:
    """Runs of an (H, W) = size mask that are in one order in another; as they are if in the same.

    Raises RleError for runs that are transposed and do not fit into it.
    """
    if old == new:
        return runs
    return transpose(runs, size if old == "row" else size[::-1])


def format_rle(runs: Runs, size: tuple[int, int], *, order: Order = "row", base: Base = 1) -> str:
    """Runs as "start length start length ..."; an empty mask is an empty string."""
    return format_pairs(reorder(runs, size, "row", order), base=base)


def format_pairs(runs: Runs, *, base: Base = 1) -> str:
    """Runs as "start length ..." in the order that they have, which needs no size."""
    text = np.empty(_RUN_CHARACTERS * len(runs), np.uint8)
    return str(text[: format_runs(runs, base, text)].data, "ascii")


def parse_rle(text: str, size: tuple[int, int], *, order: Order = "row", base: Base = 1) -> Runs:
    """Runs of a "start length ..." string, the inverse of `format_rle`.

    Raises RleError for what is not a number, an odd count, and runs that are empty, unsorted,
    overlapping or outside of (H, W) = size. Runs that touch are joined.
    """
    try:
        runs = parse_pairs(text, base=base)
        check_runs(runs, size)
    except RleError as error:
        raise RleError(
            error.what,
            expected=error.expected,
            got=error.got,
            remedy=f"the string is read as {order}-major, base {base}",
        ) from error
    return reorder(runs, size, order, "row")


def parse_pairs(text: str, *, base: Base = 1) -> Runs:
    """Runs of a "start length ..." string in the order that it has, which needs no size.

    As `parse_rle`, but no run is too far; the inverse of `format_pairs`.
    """
    numbers = _parse_numbers(text)
    if len(numbers) % 2:
        raise RleError(
            "a run-length string must hold pairs of start and length",
            expected="an even count",
            got=f"{len(numbers)} numbers",
        )
    runs = numbers.reshape(-1, 2)
    runs[:, 0] -= base
    _refuse_bad_run(runs, None)
    return join_touching(runs)


def check_runs(runs: Runs, size: tuple[int, int]) -> None:
    """Raise RleError unless runs are sorted, disjoint, not empty, and inside of (H, W) = size.

    Those that touch pass: other programs write them, and parsing joins them afterwards.
    """
    _refuse_bad_run(runs, size[0] * size[1])


def _scan(pixels: NDArray[np.uint8], pixel_bits: int, size: int) -> Runs:
    """Runs of flat memory; what does not fill a block of words is copied into a last one."""
    block_bytes = BLOCK * _WORD_BYTES
    whole = len(pixels) // block_bytes * block_bytes
    blocks = pixels[:whole].view(np.uint64).reshape(-1, BLOCK)
    rest = np.zeros(block_bytes, np.uint8)
    rest[: len(pixels) - whole] = pixels[whole:]
    return words_to_runs(blocks, rest.view(np.uint64), pixel_bits, size)


def _refuse_bad_run(runs: Runs, num_pixels: int | None) -> None:
    """Raise RleError for the first run that does not follow the one before it, or is too far."""
    limit = np.iinfo(np.int64).max if num_pixels is None else num_pixels
    bad = first_bad_run(runs, limit)
    if bad < 0:
        return
    start, length = (int(number) for number in runs[bad])
    end = int(runs[bad - 1].sum()) if bad > 0 else 0
    if length < 1:
        fault = "is empty"
    elif start < 0:
        fault = "starts before the first pixel"
    elif bad > 0 and start < runs[bad - 1, 0]:
        fault = "is out of order"
    elif start < end:
        fault = "overlaps the run before it"
    else:
        fault = "ends past the last pixel"
    raise RleError(
        f"run {bad + 1} of {len(runs)} {fault} (counted from 0)",
        expected=f"from {end} on" if num_pixels is None else f"inside {end}..{num_pixels - 1}",
        got=f"start {start} length {length}",
    )


def _parse_numbers(text: str) -> NDArray[np.int64]:
    encoded = np.frombuffer(text.encode("utf-8"), np.uint8)
    numbers = np.empty(len(encoded) // 2 + 1, np.int64)
    count = parse_numbers(encoded, numbers)
    if count < 0:
        raise _number_fault(text, -1 - count)
    return numbers[:count]


def _number_fault(text: str, place: int) -> RleError:
    """What is wrong with the word that holds byte `place`."""
    if text.strip().lower() in NO_MASK_WORDS:
        return RleError(
            "a run-length string is a word for an empty mask",
            expected="an empty field",
            got=repr(text),
        )
    before = text.encode("utf-8")[: place + 1].decode("utf-8", "ignore")
    number = before.count(" ")
    word = text.split(" ")[number]
    kind = "a negative number" if re.fullmatch(r"-\d+", word) else "what is no number of a pixel"
    return RleError(
        f"a run-length string holds {kind}",
        expected="whole numbers from 0 on, separated by blanks",
        got=repr(word[:20]),
    )
