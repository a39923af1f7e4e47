"""The masks that differ most, side by side: where files disagree, and the mask of each file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.compare.comparison import Comparison
from ensemble.images.reading import read_image
from ensemble.report.pictures import ERROR_PALETTES, Colour, Picture, resized, tint, to_rgb
from ensemble.runs.rle import Order, Runs, check_runs, decode, reorder

_LONGEST_PX = 400
# Around the masks, as a share of their size, so that one sees where they lie.
_MARGIN, _LEAST_PX = 0.25, 48
# The shorter side of a picture, as a share of the longer one, where the image has room.
_LEAST_ASPECT = 0.75
_COLOURS = ERROR_PALETTES["safe"]
# Green, which stands for no part of the differences, and shows on black as on grey.
_MASK_COLOUR: Colour = (80, 215, 150)
_DIMMED, _OPACITY = 0.7, 0.6

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DifferencePictures:
    """Pictures of one mask, all of one part of the image; `masks` has one a file."""

    image: Picture
    differences: Picture
    masks: tuple[Picture, ...]


def draw_difference(
    found: Comparison, place: tuple[int, int], image_files: Mapping[str, Path], order: Order
) -> DifferencePictures:
    """Draw the masks of an (image, class), whose runs are in `order`; the files are read again.

    Raises RleError for runs outside of the image.
    """
    image_name = found.image_names[place[0]]
    picture = to_rgb(read_image(image_files[image_name]))
    size = (picture.shape[0], picture.shape[1])
    runs = dict(found.joined.masks(image_name, size))[found.class_names[place[1]]]
    masks = np.stack([_dense(each, size, order) for each in runs])
    window = _window(np.asarray(masks.any(axis=0)))
    ground = resized(picture[window], _shown_size(picture[window].shape))
    masks = masks[:, window[0], window[1]]
    dim = np.asarray(ground * _DIMMED, np.uint8)
    layers = list(zip(_parts(masks), _part_colours(len(masks)), strict=True))
    return DifferencePictures(
        ground,
        tint(dim, layers),
        tuple(tint(ground, [(mask, _MASK_COLOUR)], opacity=_OPACITY) for mask in masks),
    )


def difference_legend(names: Sequence[str]) -> list[tuple[Colour, str]]:
    """What the colours mean: of differences, and of the mask of a file."""
    words = ["in all files", "in half of them or more", "in fewer"]
    if len(names) == 2:
        words = ["in both files", *(f"in {name} only" for name in names)]
    parts = list(zip(_part_colours(len(names)), words, strict=True))
    return [*parts, (_MASK_COLOUR, "mask of the file")]


def _part_colours(num_files: int) -> tuple[Colour, Colour, Colour]:
    several = _COLOURS["other" if num_files == 2 else "missed"]
    return _COLOURS["right"], several, _COLOURS["extra"]


def _parts(masks: Mask) -> tuple[Mask, Mask, Mask]:
    """Pixels (H, W) as the legend names them, of masks (F, H, W)."""
    held = masks.sum(axis=0)
    if len(masks) == 2:
        return held == 2, masks[0] & ~masks[1], masks[1] & ~masks[0]
    is_most = 2 * held >= len(masks)
    return held == len(masks), is_most & (held < len(masks)), ~is_most & (held > 0)


def _dense(runs: Runs, size: tuple[int, int], order: Order) -> Mask:
    check_runs(runs, size)
    return decode(reorder(runs, size, order, "row"), size)


def _window(mask: Mask) -> tuple[slice, slice]:
    """The rows and columns of a mask with a margin, in a shape that pictures may have."""
    spans = []
    for axis in (1, 0):
        inside = np.flatnonzero(mask.any(axis=axis))
        spans.append((int(inside[0]), int(inside[-1]) + 1))
    longest = max(
        min(round((1 + 2 * _MARGIN) * (end - first)), side)
        for (first, end), side in zip(spans, mask.shape, strict=True)
    )
    longest = max(longest, _LEAST_PX)
    rows, columns = (
        _widened(span, longest, side) for span, side in zip(spans, mask.shape, strict=True)
    )
    return rows, columns


def _widened(span: tuple[int, int], longest: int, side: int) -> slice:
    """A span with a margin, not much shorter than the longest, inside of a side of the image."""
    first, end = span
    margin = round(_MARGIN * (end - first))
    width = min(max(end - first + 2 * margin, round(_LEAST_ASPECT * longest)), side)
    start = min(max((first + end - width) // 2, 0), side - width)
    return slice(start, start + width)


def _shown_size(size: Sequence[int]) -> tuple[int, int]:
    """(H, W) in the same aspect ratio."""
    scale = _LONGEST_PX / max(size[:2])
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)
