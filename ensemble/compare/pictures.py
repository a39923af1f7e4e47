"""The masks that differ most, side by side: of each file, and how many files hold each pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.compare.comparison import Comparison
from ensemble.images.reading import read_image
from ensemble.progress import Progress
from ensemble.report.pictures import Picture, fit_height, to_rgb
from ensemble.runs.rle import Order, Runs, check_runs, decode, reorder

_HEIGHT_PX = 240
_GAP_PX = 4
# Around the masks, as a share of their size, so that one sees where they lie.
_MARGIN = 0.35
_LEAST_PX = 48
# Orange: distinct from grey images, and for colour-blind eyes.
_MASK_COLOUR = np.array([255.0, 150.0, 40.0])


def difference_pictures(
    found: Comparison,
    places: Sequence[tuple[int, int]],
    image_files: Mapping[str, Path],
    *,
    order: Order,
    progress: Progress,
) -> list[Picture]:
    """A strip for each (image, class): the image, then the mask of each file over it.

    Raises RleError for runs outside of an image.
    """
    strips = []
    with progress("drawing differences", len(places)) as advance:
        for n, c in places:
            image_name = found.image_names[n]
            picture = to_rgb(read_image(image_files[image_name]))
            size = (picture.shape[0], picture.shape[1])
            masks = dict(found.joined.masks(image_name, size))[found.class_names[c]]
            strips.append(_strip(picture, masks, order))
            advance(1)
    return strips


def _strip(picture: Picture, masks: Sequence[Runs], order: Order) -> Picture:
    size = (picture.shape[0], picture.shape[1])
    dense = []
    for runs in masks:
        check_runs(runs, size)
        dense.append(decode(reorder(runs, size, order, "row"), size).astype(np.bool_))
    rows, columns = _around(np.any(dense, axis=0))
    ground = picture[rows, columns]
    panels = [fit_height(ground, _HEIGHT_PX)]
    panels += [fit_height(_over(ground, mask[rows, columns]), _HEIGHT_PX) for mask in dense]
    gap = np.full((_HEIGHT_PX, _GAP_PX, 3), 128, np.uint8)
    return np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)


def _around(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns of a mask with a margin."""
    found = []
    for axis in (1, 0):
        inside = np.flatnonzero(mask.any(axis=axis))
        first, last = int(inside[0]), int(inside[-1]) + 1
        margin = max(round(_MARGIN * (last - first)), (_LEAST_PX - (last - first)) // 2, 1)
        found.append(slice(max(first - margin, 0), last + margin))
    return found[0], found[1]


def _over(ground: Picture, mask: NDArray[np.bool_]) -> Picture:
    """A mask tinted and outlined over its ground."""
    tinted = ground.astype(np.float32)
    tinted[mask] += 0.45 * (_MASK_COLOUR - tinted[mask])
    shown = np.ascontiguousarray(tinted.astype(np.uint8))
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(shown, outlines, -1, _MASK_COLOUR.tolist(), 1)
    return shown
