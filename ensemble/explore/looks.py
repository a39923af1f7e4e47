"""What an image shows without its label: size, grey levels, a thumbnail, which way it points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.explore.shapes import axes
from ensemble.images.reading import Image

THUMBNAIL_PX = 64
HISTOGRAM_BINS = 64
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_MOST_LEVEL = np.iinfo(np.uint16).max

Levels = NDArray[np.uint8] | NDArray[np.uint16]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Look:
    """One image; levels are shares 0..1 of what its type can hold.

    `size` (2,) height and width. `quantiles` (7,) of its levels, as QUANTILES. `clipped` (2,): the
    shares of its pixels that are as dark, and as bright, as the type can be. `histogram` (64,)
    shares. `thumbnail` (64, 64): mean levels in 0..65535, the aspect ratio given up.
    `foreground` (5,): as FOREGROUND.
    """

    size: NDArray[np.int64]
    depth_bits: int
    is_colour: bool
    num_bytes: int
    mean: float
    std: float
    quantiles: Floats
    clipped: Floats
    histogram: Floats
    thumbnail: NDArray[np.uint16]
    foreground: Floats


# Columns of `foreground`, which is what Otsu's threshold leaves of a thumbnail: its share, its
# centre in shares of the image, and the ratio and direction of its axes as in `shapes`.
FOREGROUND = ("share", "centre y", "centre x", "elongation", "direction")


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks of N images, each field of `Look` stacked."""

    size: NDArray[np.int64]
    depth_bits: NDArray[np.int64]
    is_colour: NDArray[np.bool_]
    num_bytes: NDArray[np.int64]
    mean: Floats
    std: Floats
    quantiles: Floats
    clipped: Floats
    histogram: Floats
    thumbnail: NDArray[np.uint16]
    foreground: Floats

    @classmethod
    def stack(cls, looks: Sequence[Look]) -> Looks:
        """Looks of one image or more, in order."""
        names = [field.name for field in fields(cls)]
        stacked: dict[str, Any] = {
            name: np.stack([np.asarray(getattr(look, name)) for look in looks]) for name in names
        }
        return cls(**stacked)

    def __len__(self) -> int:
        return len(self.mean)


def grey_levels(image: Image) -> Levels:
    """(H, W) of an image (H, W) or RGB (H, W, 3) in its own type: luma where it has colours."""
    if image.ndim == 2:
        return image
    grey: Any = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cast(Levels, grey)


def look_at(image: Image, levels: Levels, num_bytes: int) -> Look:
    """The look of an image whose `grey_levels` are given, and whose file has so many bytes."""
    most = int(np.iinfo(levels.dtype).max)
    counts = cv2.calcHist([levels], [0], None, [most + 1], [0, most + 1])
    counts = counts.reshape(-1).astype(np.float64)
    shares = counts / counts.sum()
    values = np.arange(most + 1) / most
    mean = float(shares @ values)
    thumbnail = _thumbnail(levels, most)
    return Look(
        size=np.array(levels.shape, np.int64),
        depth_bits=8 * levels.dtype.itemsize,
        is_colour=_has_colours(image),
        num_bytes=num_bytes,
        mean=mean,
        std=float(np.sqrt(shares @ (values - mean) ** 2)),
        quantiles=values[_places(shares)],
        clipped=shares[[0, most]],
        histogram=shares.reshape(HISTOGRAM_BINS, -1).sum(axis=1),
        thumbnail=thumbnail,
        foreground=_foreground(thumbnail, levels.shape),
    )


def _has_colours(image: Image) -> bool:
    if image.ndim == 2:
        return False
    red, green, blue = cv2.split(image)
    return not (np.array_equal(red, green) and np.array_equal(green, blue))


def _places(shares: Floats) -> NDArray[np.int64]:
    """The lowest levels up to which the shares reach the quantiles."""
    reached = np.cumsum(shares)
    first = np.searchsorted(reached, np.array(QUANTILES) * reached[-1] * (1 - 1e-12))
    first[0] = np.flatnonzero(shares)[0]
    return np.asarray(first, np.int64)


def _thumbnail(levels: Levels, most: int) -> NDArray[np.uint16]:
    small = cv2.resize(levels, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint16) * np.uint16(_MOST_LEVEL // most)


def _foreground(thumbnail: NDArray[np.uint16], size: tuple[int, ...]) -> Floats:
    """Share, centre, elongation and direction of what is brighter than Otsu's threshold."""
    _, mask = cv2.threshold(thumbnail, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    if mask.all() or not mask.any():  # a flat image
        return np.array([0.0, 0.5, 0.5, 1.0, 0.0])
    y, x = (np.stack(np.nonzero(mask)) + 0.5) / THUMBNAIL_PX
    down, across = (y - y.mean()) * size[0], (x - x.mean()) * size[1]
    elongation, direction = axes((down**2).mean(), (down * across).mean(), (across**2).mean())
    return np.array([len(y) / mask.size, y.mean(), x.mean(), elongation, direction])
