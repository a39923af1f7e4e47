"""Four examples put together into one of their size: a mosaic, or parts of each (RICAP)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from ensemble.bit_planes import resize_nearest
from models_zoo.examples.augment import Example, cut

# Of the Beta distribution that draws where the four of RICAP meet (Takahashi et al. 2018).
_RICAP_BETA = 0.3


def mosaic(examples: Sequence[Example]) -> Example:
    """Four examples (h, w) at half their size, one in each quarter."""
    height, width = examples[0].ignored.shape
    sizes = _quarters((height, width), (height // 2, width // 2))
    return _patched([_resized(each, size) for each, size in zip(examples, sizes, strict=True)])


def ricap(examples: Sequence[Example], numbers: np.random.Generator) -> Example:
    """Four examples (h, w), of each a part at its own size, that meet at a random point."""
    height, width = examples[0].ignored.shape
    down, across = numbers.beta(_RICAP_BETA, _RICAP_BETA, 2)
    sizes = _quarters((height, width), (round(height * down), round(width * across)))
    parts = []
    for example, (rows, columns) in zip(examples, sizes, strict=True):
        top = int(numbers.integers(height - rows + 1))
        left = int(numbers.integers(width - columns + 1))
        parts.append(cut(example, top, left, (rows, columns)))
    return _patched(parts)


def _quarters(size: tuple[int, int], middle: tuple[int, int]) -> list[tuple[int, int]]:
    """(h, w) of the four parts that meet at `middle`, row by row."""
    (height, width), (down, across) = size, middle
    return [
        (bottom - top, right - left)
        for top, bottom in pairwise((0, down, height))
        for left, right in pairwise((0, across, width))
    ]


def _resized(example: Example, size: tuple[int, int]) -> Example:
    if 0 in size:  # a half of one row
        return cut(example, 0, 0, size)
    image = cv2.resize(example.image, size[::-1], interpolation=cv2.INTER_AREA)
    ignored = resize_nearest(example.ignored[None].astype(np.uint32), size)[0]
    return Example(
        np.asarray(image, np.uint8).reshape(*size, example.image.shape[2]),
        resize_nearest(example.planes, size),
        ignored.astype(np.bool_),
    )


def _patched(parts: Sequence[Example]) -> Example:
    """Four parts, row by row, as one."""
    above, below = parts[:2], parts[2:]
    return Example(
        np.concatenate([np.concatenate([p.image for p in row], 1) for row in (above, below)], 0),
        np.concatenate([np.concatenate([p.planes for p in row], 2) for row in (above, below)], 1),
        np.concatenate([np.concatenate([p.ignored for p in row], 1) for row in (above, below)], 0),
    )
