"""COCO's run lengths: column-major counts of background and foreground in turn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import LabelError
from ensemble.kernels.rle import join_touching
from ensemble.rle import Runs, transpose

_ZERO = 48  # the character "0" stands for a group of five bits that are 0
_MORE, _SIGN, _VALUE = 0x20, 0x10, 0x1F
_GROUP_BITS = 5
# A count of at most 2^31 takes seven groups with its sign.
_MAX_GROUPS = 7


def parse_counts(text: str) -> NDArray[np.int64]:
    """Counts of a compressed string, as rleFrString in pycocotools' maskApi.c reads them.

    Each number is a little-endian sequence of five-bit groups, the last one without its "more" bit
    and signed; from the fourth on a number is the difference to the count two places before.
    """
    groups = np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int64) - _ZERO
    if ((groups < 0) | (groups > 0x3F)).any() or (len(groups) and groups[-1] & _MORE):
        raise LabelError("is no compressed run-length string", got=repr(text[:20]))
    ends = np.flatnonzero((groups & _MORE) == 0)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    lengths = ends - starts + 1
    if (lengths > _MAX_GROUPS).any():
        raise LabelError("holds a run length beyond any image", got=repr(text[:20]))
    if not len(ends):
        return groups
    place = np.arange(len(groups)) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((groups & _VALUE) << (_GROUP_BITS * place), starts)
    numbers -= np.where(groups[ends] & _SIGN, np.int64(1) << (_GROUP_BITS * lengths), 0)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


def runs_from_counts(counts: NDArray[np.int64], size: tuple[int, int]) -> Runs:
    """Row-major runs of column-major counts, which must add up to the pixels of (H, W) = size."""
    if (counts < 0).any() or counts.sum() != size[0] * size[1]:
        raise LabelError(
            "run lengths do not fill the image",
            expected=f"{size[0] * size[1]} pixels",
            got=int(counts.sum()),
        )
    starts = np.cumsum(counts) - counts
    runs = np.stack([starts[1::2], counts[1::2]], axis=1)
    return transpose(join_touching(runs[runs[:, 1] > 0]), size[::-1])
