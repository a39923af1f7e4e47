"""COCO's run lengths: counts of background and foreground in turn, along columns.

The first count is of background and may be 0. A count follows for each change, so that the last
one is of background only where the last pixel is. Compressed, counts are the bytes of pycocotools.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import RleError
from ensemble.kernels.rle import join_touching, runs_to_counts
from ensemble.kernels.run_strings import format_coco_counts, parse_coco_counts
from ensemble.runs.rle import Order, Runs, transpose

_COUNT_CHARACTERS = 13


def format_coco(runs: Runs, size: tuple[int, int], *, order: Order = "row") -> str:
    """Compressed counts of an (H, W) = size mask, from runs in either order."""
    return format_counts(counts_from_runs(runs, size, order=order))


def parse_coco(counts: str | Sequence[int], size: tuple[int, int]) -> Runs:
    """Row-major runs of an (H, W) = size mask from counts, compressed or not."""
    if isinstance(counts, str):
        return runs_from_counts(parse_counts(counts), size)
    # before numpy sees them: a list may hold what no int64 can
    _refuse_bad_counts(min(counts, default=0), sum(counts), size)
    return runs_from_counts(np.array(counts, np.int64), size)


def format_counts(counts: NDArray[np.int64]) -> str:
    """Counts as a compressed string, to the byte that of pycocotools."""
    text = np.empty(_COUNT_CHARACTERS * len(counts), np.uint8)
    return str(text[: format_coco_counts(counts, text)].data, "ascii")


def parse_counts(text: str) -> NDArray[np.int64]:
    """Counts of a compressed string, the inverse of `format_counts`; raises RleError."""
    encoded = np.frombuffer(text.encode("utf-8"), np.uint8)
    counts = np.empty(len(encoded), np.int64)
    count = parse_coco_counts(encoded, counts)
    if count < 0:
        place = -1 - count
        raise RleError(
            f"is no compressed run-length string from character {place + 1} on",
            got=repr(text[max(place - 10, 0) : place + 10]),
        )
    return counts[:count]


def counts_from_runs(
    runs: Runs, size: tuple[int, int], *, order: Order = "row"
) -> NDArray[np.int64]:
    """Counts of an (H, W) = size mask, from runs in either order."""
    lines = transpose(runs, size) if order == "row" else runs
    return runs_to_counts(lines, size[0] * size[1])


def runs_from_counts(counts: NDArray[np.int64], size: tuple[int, int]) -> Runs:
    """Row-major runs of counts, which must add up to the pixels of (H, W) = size."""
    # in float64 a sum beyond any image may be rounded, but cannot overflow to that of an image
    _refuse_bad_counts(int(counts.min(initial=0)), int(counts.sum(dtype=np.float64)), size)
    starts = np.cumsum(counts) - counts
    runs = np.stack([starts[1::2], counts[1::2]], axis=1)
    return transpose(join_touching(runs[runs[:, 1] > 0]), size[::-1])


def _refuse_bad_counts(smallest: int, total: int, size: tuple[int, int]) -> None:
    if smallest < 0 or total != size[0] * size[1]:
        raise RleError(
            "run lengths do not fill the image",
            expected=f"{size[0] * size[1]} pixels, no count below 0",
            got=f"{total} pixels, smallest count {smallest}",
        )
