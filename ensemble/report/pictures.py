"""Pictures for people: masks laid over an image, errors of a prediction, sheets of both.

All pictures are (H, W, 3) uint8 RGB.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Masks = NDArray[np.bool_]
Verdict = Literal["right", "missed", "extra", "other"]

Palette = Literal["safe", "contest"]
Colour = tuple[int, int, int]

# The contest's colours: foreground in both but another class, under-prediction, over-prediction.
ERROR_COLOURS: dict[Verdict, Colour] = {
    "other": (220, 50, 47),
    "missed": (240, 200, 40),
    "extra": (60, 180, 75),
    "right": (60, 110, 200),
}
ERROR_PALETTES: dict[Palette, dict[Verdict, Colour]] = {
    # Colour-blind readers of every kind tell these apart, by their brightness too.
    "safe": {
        "other": (240, 150, 215),
        "missed": (255, 235, 80),
        "extra": (230, 95, 10),
        "right": (30, 90, 180),
    },
    "contest": ERROR_COLOURS,
}
_GOLDEN_RATIO = 0.61803398875
_CAPTION_PX = 28
_MARGIN_PX = 6
# A pixel of a picture has the full colour where a mask holds this share of it: thin lines show.
_FULL_SHARE = 0.4
_MOST_ASPECT = 6  # the longer side over the shorter


def class_colours(num_classes: int) -> Picture:
    """(C, 3) RGB: hues a golden ratio apart, so that neighbours in the list look different."""
    colours = [
        colorsys.hsv_to_rgb(c * _GOLDEN_RATIO % 1, 0.55 + 0.3 * (c % 2), 1.0)
        for c in range(num_classes)
    ]
    return np.asarray(np.array(colours) * 255, np.uint8)


def to_rgb(image: NDArray[np.uint8] | NDArray[np.uint16]) -> Picture:
    """An image (H, W) or (H, W, 3), 8 or 16 bit, as a picture; 16 bit over its own range."""
    levels = image.astype(np.float32)
    if image.dtype != np.uint8:
        levels = (levels - levels.min()) * (255 / max(float(np.ptp(levels)), 1.0))
    shown = np.asarray(levels, np.uint8)
    return np.repeat(shown[:, :, None], 3, 2) if shown.ndim == 2 else shown


def overlay_masks(picture: Picture, masks: Masks, *, opacity: float = 0.4) -> Picture:
    """Masks (C, H, W) bool tinted and outlined over a picture, each class in its colour.

    Where classes overlap, both tints show.
    """
    tinted = picture.astype(np.float32)
    colours = class_colours(len(masks))
    filled = [(mask, colours[c]) for c, mask in enumerate(masks) if mask.any()]
    for mask, colour in filled:
        tinted[mask] += opacity * (colour - tinted[mask])
    shown = tinted.astype(np.uint8, order="C")
    for mask, colour in filled:
        outlines, _ = cv2.findContours(
            mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        cv2.drawContours(shown, outlines, -1, colour.tolist(), 1)
    return shown


def tint(
    picture: Picture, layers: Sequence[tuple[Masks, Colour]], *, opacity: float = 0.85
) -> Picture:
    """Masks (H, W) of any size in their colours over a picture; what is thin stays visible."""
    height, width = picture.shape[:2]
    shown = picture.astype(np.float32)
    for mask, colour in layers:
        shrinks = mask.shape[0] > height
        how = cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST
        share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=how)
        alpha = opacity * np.clip(share / _FULL_SHARE, 0, 1)[:, :, None]
        shown += alpha * (np.array(colour, np.float32) - shown)
    return np.asarray(shown, np.uint8)


def error_map(predicted: Masks, true: Masks) -> Picture:
    """Every pixel by its verdict: all its classes right, missed, extra, or another class."""
    missed = (true & ~predicted).any(0)
    extra = (predicted & ~true).any(0)
    right = (true & predicted).any(0)
    picture = np.zeros((*missed.shape, 3), np.uint8)
    picture[right] = ERROR_COLOURS["right"]
    picture[missed] = ERROR_COLOURS["missed"]
    picture[extra] = ERROR_COLOURS["extra"]
    picture[missed & extra] = ERROR_COLOURS["other"]
    return picture


def fit_height(picture: Picture, height: int) -> Picture:
    """The picture at a height in pixels, as wide as `width_at` says."""
    return resized(picture, (height, width_at(height, picture.shape)))


def width_at(height: int, shape: Sequence[int]) -> int:
    """The width that keeps the aspect ratio of (H, W, ...) = shape, within 1 : 6 and 6 : 1."""
    width = round(shape[1] * height / shape[0])
    return min(max(width, height // _MOST_ASPECT, 1), _MOST_ASPECT * height)


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture at (H, W) = size: areas averaged where it gets lower, else linear."""
    how = cv2.INTER_AREA if size[0] < picture.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=how), np.uint8)


def picture_sheet(rows: Sequence[Sequence[tuple[str, Picture]]], *, height: int = 320) -> Picture:
    """Rows of captioned pictures, all of one height, on a dark ground."""
    strips = [
        np.concatenate([_captioned(text, fit_height(p, height)) for text, p in row], axis=1)
        for row in rows
    ]
    width = max(strip.shape[1] for strip in strips)
    padded = [np.pad(s, ((0, 0), (0, width - s.shape[1]), (0, 0))) for s in strips]
    return np.concatenate(padded)


def _captioned(text: str, picture: Picture) -> Picture:
    height, width, _ = picture.shape
    card = np.full((height + _CAPTION_PX + _MARGIN_PX, width + _MARGIN_PX, 3), 18, np.uint8)
    card[_CAPTION_PX : _CAPTION_PX + height, :width] = picture
    place = (4, _CAPTION_PX - 9)
    cv2.putText(card, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (235, 235, 235), 1, cv2.LINE_AA)
    return card
