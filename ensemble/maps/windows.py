"""Windows: an image seen through overlapping pieces, and the weights that put them together.

The windows of an image are all pairs of places along its two axes, and their weights products of
weights along the axes. So each axis is divided by its own sum beforehand, and what the windows say
can be added as it comes: at every pixel the weights of the windows over it sum to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

# Deviation of the Gaussian, as a share of a window's side: that of nnU-Net (Isensee et al. 2021).
_SIGMA = 1 / 8


@dataclass(frozen=True, slots=True)
class WindowAxis:
    """`starts` (n,) of windows of `size` along an axis; `weights` (n, size) float32 of each.

    At every place of the axis the weights of the windows over it sum to 1.
    """

    starts: tuple[int, ...]
    size: int
    weights: NDArray[np.float32]


def plan_windows(
    length: int, size: int, *, overlap: float, weighting: Literal["gaussian", "flat"]
) -> WindowAxis:
    """Spread windows evenly from border to border of an axis of `length` >= `size`.

    Neighbours overlap by the share `overlap` (0 <= overlap < 1) of a window or more, to the pixel.
    """
    gaps = math.ceil((length - size) / max(size * (1 - overlap), 1))
    starts = [round(i * (length - size) / gaps) for i in range(gaps + 1)] if gaps else [0]
    profile = np.ones(size) if weighting == "flat" else _gaussian(size)
    total = np.zeros(length)
    for start in starts:
        total[start : start + size] += profile
    weights = np.stack([profile / total[start : start + size] for start in starts])
    return WindowAxis(tuple(starts), size, weights.astype(np.float32))


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A row of windows to look at: row `row` of plan `plan`; then all rows above `end` are done."""

    plan: int
    row: int
    end: int


def order_rows(starts: Sequence[Sequence[int]], height: int) -> list[WindowRow]:
    """Rows of windows of several plans over one image of `height` rows, in the order of their tops.

    `starts`: the rising first pixel rows of each plan's rows of windows.
    """
    looks = sorted(
        ((top, plan, row) for plan, tops in enumerate(starts) for row, top in enumerate(tops)),
        key=lambda look: look[0],
    )
    ends = [top for top, *_ in looks[1:]] + [height]
    return [WindowRow(plan, row, end) for (_, plan, row), end in zip(looks, ends, strict=True)]


def _gaussian(size: int) -> NDArray[np.float64]:
    distance = np.arange(size) - (size - 1) / 2
    profile: NDArray[np.float64] = np.exp(-0.5 * (distance / (_SIGMA * size)) ** 2)
    return profile
