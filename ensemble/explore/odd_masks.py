"""The outliers that a person should look at, and pictures of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label, get_mask
from ensemble.explore.outliers import Outlier
from ensemble.images.reading import Image
from ensemble.report.pictures import Picture, to_rgb

# Shown of one class, of one image, and of all; the tables hold the rest.
MOST_OF_CLASS = 4
MOST_OF_IMAGE = 4
MOST_SHOWN = 48
PICTURE_PX = 220

_OUTLINE = (255, 176, 0)
_LEAST_CROP_PX = 48
_ROOM = 0.5


@dataclass(frozen=True, slots=True)
class OddMask:
    """A mask and all that is odd about it, the oddest first."""

    image: int
    class_index: int
    outliers: tuple[Outlier, ...]


def pick_odd_masks(outliers: Sequence[Outlier]) -> list[OddMask]:
    """The oddest masks, few of a class and of an image, from outliers that are sorted so."""
    of_mask: dict[tuple[int, int], list[Outlier]] = defaultdict(list)
    for outlier in outliers:
        of_mask[outlier.image, outlier.class_index].append(outlier)
    of_class: Counter[int] = Counter()
    of_image: Counter[int] = Counter()
    picked: list[OddMask] = []
    for (image, class_index), found in of_mask.items():
        if of_class[class_index] < MOST_OF_CLASS and of_image[image] < MOST_OF_IMAGE:
            of_class[class_index] += 1
            of_image[image] += 1
            picked.append(OddMask(image, class_index, tuple(found)))
    return picked[:MOST_SHOWN]


def draw_mask(
    image: Image, label: Label, class_index: int, box: NDArray[np.int64], *, side: int = PICTURE_PX
) -> Picture:
    """A square around a mask, its outline drawn; `box` is its top, left, bottom and right.

    Where the square leaves the image it is black.
    """
    centre, half = _square(box)
    crop = _window(to_rgb(image), centre, half)
    mask = _window(get_mask(label.planes, class_index).astype(np.uint8), centre, half)
    interpolation = cv2.INTER_AREA if 2 * half > side else cv2.INTER_LINEAR
    shown = np.ascontiguousarray(cv2.resize(crop, (side, side), interpolation=interpolation))
    outline = cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(outline, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(shown, contours, -1, _OUTLINE, 1, cv2.LINE_AA)
    return np.asarray(shown, np.uint8)


def _square(box: NDArray[np.int64]) -> tuple[tuple[int, int], int]:
    """Centre (y, x) and half the side of a square around a box, with room to see where it lies."""
    top, left, bottom, right = box.tolist()
    half = max(round(max(bottom - top, right - left) * (0.5 + _ROOM)), _LEAST_CROP_PX // 2)
    return ((top + bottom) // 2, (left + right) // 2), half


def _window(pixels: NDArray[np.uint8], centre: tuple[int, int], half: int) -> NDArray[np.uint8]:
    """The square of (2 half) pixels about a place; what lies outside of the image is 0."""
    window = np.zeros((2 * half, 2 * half, *pixels.shape[2:]), np.uint8)
    first = [middle - half for middle in centre]
    inside = tuple(
        slice(max(start, 0), min(start + 2 * half, side))
        for start, side in zip(first, pixels.shape, strict=False)
    )
    there = tuple(
        slice(part.start - start, part.stop - start)
        for part, start in zip(inside, first, strict=True)
    )
    window[there] = pixels[inside]
    return window
