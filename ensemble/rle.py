"""Run-length encoded masks: arrays of runs, and the "start length" strings of submissions.

Runs are (R, 2) int64 rows of (start, length), start counted from 0 along the row-major pixels of
an (H, W) mask; sorted, disjoint, and never touching, so that equal masks have equal runs. Strings
have an order ("row": row-major, "column": column-major) and a base (the number of the first pixel).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import RleError
from ensemble.kernels.rle import (
    fill_runs,
    first_bad_run,
    format_numbers,
    join_touching,
    mask_to_runs,
    parse_numbers,
    transpose_runs,
)

Runs = NDArray[np.int64]
Order = Literal["row", "column"]
Base = Literal[0, 1]

_MAX_DIGITS = 20


def encode(mask: NDArray[np.bool_]) -> Runs:
    """Runs of a mask (H, W) bool; the inverse of `decode`."""
    pixels = np.ascontiguousarray(mask).reshape(-1).view(np.uint8)
    whole = len(pixels) // 8 * 8
    return mask_to_runs(pixels, pixels[:whole].view(np.uint64))


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
    """Runs of the transposed mask: row-major to column-major order of an (H, W) = size mask."""
    return transpose_runs(runs, size[0], size[1])


def format_rle(runs: Runs, size: tuple[int, int], *, order: Order = "row", base: Base = 1) -> str:
    """Runs as "start length start length ..."; an empty mask is an empty string."""
    ordered = runs if order == "row" else transpose(runs, size)
    numbers = (ordered + np.array([base, 0], np.int64)).reshape(-1)
    text = np.empty(_MAX_DIGITS * len(numbers), np.uint8)
    return text[: format_numbers(numbers, text)].tobytes().decode("ascii")


def parse_rle(text: str, size: tuple[int, int], *, order: Order = "row", base: Base = 1) -> Runs:
    """Runs of a "start length ..." string, the inverse of `format_rle`.

    Raises RleError for what is not a number, an odd count, and runs that are empty, unsorted,
    overlapping or outside of (H, W) = size. Runs that touch are joined.
    """
    numbers = _parse_numbers(text)
    if len(numbers) % 2:
        raise RleError("a run-length string must hold pairs of start and length", got=len(numbers))
    runs = numbers.reshape(-1, 2) - np.array([base, 0], np.int64)
    try:
        check_runs(runs, size)
    except RleError as error:
        raise RleError(
            f"{error.what} (counted from 0)",
            expected=error.expected,
            got=error.got,
            remedy=f"the string is read as {order}-major, base {base}",
        ) from error
    joined = join_touching(runs)
    return joined if order == "row" else transpose(joined, size[::-1])


def check_runs(runs: Runs, size: tuple[int, int]) -> None:
    """Raise RleError unless runs are sorted, disjoint, not empty, and inside of (H, W) = size."""
    bad = first_bad_run(runs, size[0] * size[1])
    if bad >= 0:
        start, length = runs[bad]
        raise RleError(
            f"run {bad + 1} of {len(runs)} is empty, out of order, overlapping or out of the image",
            expected=f"inside 0..{size[0] * size[1] - 1} and after the run before it",
            got=f"start {start} length {length}",
        )


def _parse_numbers(text: str) -> NDArray[np.int64]:
    encoded = np.frombuffer(text.encode("utf-8"), np.uint8)
    numbers = np.empty(len(encoded) // 2 + 1, np.int64)
    count = parse_numbers(encoded, numbers)
    if count < 0:
        place = -1 - count
        raise RleError(
            "a run-length string must hold whole numbers from 0 on, separated by blanks",
            got=repr(text[max(place - 10, 0) : place + 10]),
        )
    return numbers[:count]
