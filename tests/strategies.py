"""Hypothesis strategies for what the engine works on: not square, one pixel thin, empty, full."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

sides = st.integers(1, 40)
sizes = st.tuples(sides, sides)


@st.composite
def masks(draw: st.DrawFn, size: tuple[int, int] | None = None) -> np.ndarray:
    """A mask (H, W) bool: noise of any density, empty and full included."""
    shape = size or draw(sizes)
    density = draw(st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.random(shape) < density


@st.composite
def mask_stacks(draw: st.DrawFn, max_classes: int = 40) -> np.ndarray:
    """Masks (C, H, W) bool that overlap."""
    shape = (draw(st.integers(1, max_classes)), draw(sides), draw(sides))
    return draw(hnp.arrays(bool, shape)) if draw(st.booleans()) else _blobs(draw, shape)


def _blobs(draw: st.DrawFn, shape: tuple[int, int, int]) -> np.ndarray:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    centres = rng.random((shape[0], 2)) * shape[1:]
    radii = rng.random(shape[0]) * max(shape[1:]) / 2
    distances = np.hypot(rows - centres[:, :1, None], columns - centres[:, 1:, None])
    return distances < radii[:, None, None]


@st.composite
def grids(draw: st.DrawFn, num_classes: int, max_grids: int = 3) -> list[np.ndarray]:
    """Soft maps (C, h, w) float32 on one to three grids, whose sum lies in [0, 1]."""
    count = draw(st.integers(1, max_grids))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    power = draw(st.sampled_from([0.2, 1.0, 5.0]))
    return [
        (rng.random((num_classes, *draw(sizes))) ** power / count).astype(np.float32)
        for _ in range(count)
    ]


def packed_words(mask: np.ndarray) -> np.ndarray:
    """A bit a pixel of the flat mask, 64 in a word, the first one lowest; the padding is 0."""
    bits = np.packbits(mask.reshape(-1), bitorder="little")
    padded = np.zeros(-(-mask.size // 64) * 8, np.uint8)
    padded[: len(bits)] = bits
    return padded.view("<u8")
