"""Undecided pixels of one class of one image, as tuples of what members say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import WORD_BITS, Label
from ensemble.fusion.soft_maps import LEVELS
from ensemble.kernels.undecided import collect_undecided, merge_tuples
from ensemble.tuning.class_plan import ClassMaps
from ensemble.tuning.rules import ThresholdRange

# So many tuples of a class of an image are always kept as they are; the steps to which the
# values of more are rounded.
MOST_TUPLES, _COARSER = 32_768, (2, 4, 8, 16, 32, 64)
# What all tuples of a set may take, unless each class of each image has fewer than those.
_TUPLE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Unit:
    """One class of one image.

    `values` (M, n) uint8 with `counts` (2, n) int32: pixels, and pixels that are foreground in
    truth. `decided` (3,) int64: certain foreground, the part of it that is so in truth, and the
    area of the truth.
    """

    values: NDArray[np.uint8]
    counts: NDArray[np.int32]
    decided: NDArray[np.int64]


def most_tuples(num_members: int, num_units: int) -> int:
    """How many tuples a class of an image may leave in a set of `num_units` classes of images."""
    return max(MOST_TUPLES, _TUPLE_BYTES // ((num_members + 8) * max(num_units, 1)))


def class_unit(
    maps: ClassMaps,
    label: Label,
    class_index: int,
    area: int,
    thresholds: ThresholdRange,
    *,
    most: int = MOST_TUPLES,
) -> Unit:
    """Upsample a class's maps to the label's size and keep what is undecided.

    At least one member must have the class, which has `area` pixels in truth. Ignored pixels are
    left out. Values are rounded where `most` tuples do not suffice.
    """
    present = [m for m, pixels in enumerate(maps) if pixels is not None]
    arrays = [pixels for pixels in maps if pixels is not None]
    word, bit = divmod(class_index, WORD_BITS)
    values, truth, foreground, hits = collect_undecided(
        np.concatenate([pixels.reshape(-1) for pixels in arrays]),
        (
            np.array([pixels.shape[0] for pixels in arrays], np.int64),
            np.array([pixels.shape[1] for pixels in arrays], np.int64),
        ),
        label.planes[word],
        bit,
        np.zeros((0, 0), np.bool_) if label.ignored is None else label.ignored,
        (thresholds.low * LEVELS, thresholds.high * LEVELS),
    )
    each = np.stack([np.ones_like(truth), truth]).astype(np.int32)
    merged, counts = _at_most(most, *merge_tuples(values, each))
    full = np.zeros((len(maps), merged.shape[1]), np.uint8)
    full[present] = merged
    return Unit(full, counts, np.array([foreground, hits, area], np.int64))


def _at_most(
    most: int, values: NDArray[np.uint8], counts: NDArray[np.int32]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Tuples (M, n) and their counts (2, n), at the finest steps that leave at most so many."""
    found, sums = values, counts
    for step in _COARSER:
        if found.shape[1] <= most:
            break
        rounded = (values.astype(np.int32) + step // 2) // step * step
        found, sums = merge_tuples(np.minimum(rounded, LEVELS).astype(np.uint8), counts)
    return found, sums
