"""Pictures of an exploration, most of them from thumbnails, which need no file."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import ImageFolder, LabelledFolder, Sample
from ensemble.errors import DataError
from ensemble.explore.exploration import Exploration
from ensemble.explore.odd_masks import OddMask, draw_mask
from ensemble.images.reading import read_image
from ensemble.progress import Progress
from ensemble.report.blocks import Card
from ensemble.report.picture_uri import picture_uri, share_of_page
from ensemble.report.pictures import Picture, fit_height, to_rgb, width_at
from ensemble.streaming import ordered_map

_THREADS = 2
_SMALL_PX = 96
_COVER_PX = 128
_COPY_PX = 220
_COVER_COLOUR = np.array([255.0, 140.0, 30.0])

Floats = NDArray[np.float64]


def thumbnail_picture(
    thumbnail: NDArray[np.uint16], size: NDArray[np.int64], *, height: int = _SMALL_PX
) -> Picture:
    """A thumbnail in the aspect ratio of its image (H, W), its levels from dark to bright."""
    width = width_at(height, size.tolist())
    shown = cv2.resize(spread_levels(thumbnail), (width, height), interpolation=cv2.INTER_CUBIC)
    return to_rgb(np.asarray(shown, np.uint8))


def spread_levels(levels: NDArray[np.uint16] | Floats) -> NDArray[np.uint8]:
    """Levels with the 1st and 99th percentile at black and white."""
    low, high = np.percentile(levels, [1, 99])
    shares = (levels - low) / max(float(high - low), 1e-9)
    return np.asarray(np.clip(shares, 0, 1) * 255, np.uint8)


def cover_picture(cover: Floats, ground: Floats) -> Picture:
    """Where a class lies, brighter where more images have it, over the mean of the images."""
    side = (_COVER_PX, _COVER_PX)
    grey = cv2.resize(spread_levels(ground), side, interpolation=cv2.INTER_CUBIC)
    share = cv2.resize(cover / max(float(cover.max()), 1e-9), side, interpolation=cv2.INTER_LINEAR)
    tint = np.clip(share, 0, 1)[:, :, None]
    base = grey[:, :, None] * 0.6
    return np.asarray(base + (_COVER_COLOUR - base) * tint * 0.9, np.uint8)


def odd_mask_pictures(
    found: Exploration, odd_masks: Sequence[OddMask], progress: Progress
) -> list[Picture]:
    """The picture of each mask; its image and label are read again."""
    data = found.survey.data
    if found.labels is None or isinstance(data, ImageFolder):
        raise DataError("has no labels", where=found.survey.folder)
    boxes = found.labels.counts.boxes

    def draw(odd: OddMask) -> Picture:
        box = boxes[odd.image, odd.class_index]
        return _draw(data, found.survey.samples[odd.image], odd.class_index, box)

    pictures = []
    with progress("drawing outliers", len(odd_masks)) as advance:
        for picture in ordered_map(draw, odd_masks, threads=_THREADS, ahead=2 * _THREADS):
            pictures.append(picture)
            advance(1)
    return pictures


def _draw(
    data: LabelledFolder, sample: Sample, class_index: int, box: NDArray[np.int64]
) -> Picture:
    image = read_image(sample.image)
    label = data.read_label(sample, (image.shape[0], image.shape[1]))
    return draw_mask(image, label, class_index, box)


def pair_picture(first: Sample, second: Sample) -> Picture:
    """Two images side by side."""
    both = [fit_height(to_rgb(read_image(s.image)), _COPY_PX) for s in (first, second)]
    gap = np.full((_COPY_PX, 4, 3), 128, np.uint8)
    return np.concatenate([both[0], gap, both[1]], axis=1)


def thumbnail_cards(
    thumbnails: NDArray[np.uint16],
    sizes: NDArray[np.int64],
    titles: Sequence[str],
    lines: Sequence[tuple[str, ...]],
) -> list[Card]:
    """A card an image, small enough that all together stay within a page."""
    most_bytes = min(share_of_page(4 * len(titles)), 8000)
    return [
        Card(
            picture_uri(thumbnail_picture(thumbnail, size), most_bytes=most_bytes),
            title,
            f"image {title}",
            text,
        )
        for thumbnail, size, title, text in zip(thumbnails, sizes, titles, lines, strict=True)
    ]
