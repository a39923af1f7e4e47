"""Figures of images by which their novelty is judged: what they show, what members say of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import Sample
from ensemble.explore.looks import QUANTILES, grey_levels, look_at
from ensemble.images.reading import read_image
from ensemble.progress import Progress
from ensemble.streaming import ordered_map

Floats = NDArray[np.float64]

_THREADS = 2
_DARK, _BRIGHT = QUANTILES.index(0.05), QUANTILES.index(0.95)


def image_figures(
    samples: Sequence[Sample], signs: Floats, areas_px: NDArray[np.int64], progress: Progress
) -> Floats:
    """(N, F) of N images: signs (N, C, K) and empty masks (N, C), mean over classes; grey levels.

    Grey levels are mean, deviation, 5th and 95th percentile, as shares of what the type holds.
    """
    paths = [sample.image for sample in samples]
    levels = []
    with progress("reading grey levels", len(paths)) as advance:
        for row in ordered_map(_levels, paths, threads=_THREADS, ahead=2 * _THREADS):
            levels.append(row)
            advance(1)
    empty = (areas_px == 0).mean(axis=1, keepdims=True)
    return np.concatenate([signs.mean(axis=1), empty, np.array(levels)], axis=1)


def _levels(path: Path) -> tuple[float, float, float, float]:
    image = read_image(path)
    look = look_at(image, grey_levels(image), num_bytes=0)
    return look.mean, look.std, float(look.quantiles[_DARK]), float(look.quantiles[_BRIGHT])
