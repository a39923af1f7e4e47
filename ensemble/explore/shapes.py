"""Size, place, direction and brightness of every mask, from the sums of its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.label_sums import AREA, LEVELS, XX, XY, YY, X, Y

Floats = NDArray[np.float64]

# A line of pixels is as wide as a pixel, whose own variance this is.
_PIXEL_VARIANCE = 1 / 12


@dataclass(frozen=True, slots=True)
class Shapes:
    """Masks of N images and C classes; all but areas are NaN where a class is absent.

    `area_px`; `area_share` of the image that is not ignored; `centre_y` and `centre_x` in shares
    of height and width; `elongation`, `direction_deg` as `axes` has them; `level`: the mean grey
    level under the mask, 0..1. All (N, C).
    """

    area_px: NDArray[np.int64]
    area_share: Floats
    centre_y: Floats
    centre_x: Floats
    elongation: Floats
    direction_deg: Floats
    level: Floats

    @property
    def is_present(self) -> NDArray[np.bool_]:
        """(N, C): where a class has a pixel."""
        return self.area_px > 0

    @property
    def is_anywhere(self) -> NDArray[np.bool_]:
        """(C,): classes that some image holds."""
        return np.asarray(self.is_present.any(axis=0))


def shapes_of(
    sums: NDArray[np.int64],
    sizes: NDArray[np.int64],
    depth_bits: NDArray[np.int64],
    ignored_px: NDArray[np.int64],
) -> Shapes:
    """Shapes from label sums (N, C, 7), image sizes (N, 2), and depths and ignored pixels (N,)."""
    area = sums[:, :, AREA]
    means = sums / np.where(area == 0, np.nan, area)[:, :, None]
    y, x = means[:, :, Y], means[:, :, X]
    height, width = (sizes[:, side, None].astype(np.float64) for side in (0, 1))
    elongation, direction = axes(
        means[:, :, YY] - y * y, means[:, :, XY] - x * y, means[:, :, XX] - x * x
    )
    counting = height * width - ignored_px[:, None]
    return Shapes(
        area_px=area,
        area_share=area / np.maximum(counting, 1),
        centre_y=(y + 0.5) / height,
        centre_x=(x + 0.5) / width,
        elongation=elongation,
        direction_deg=direction,
        level=means[:, :, LEVELS] / (2.0 ** depth_bits[:, None] - 1),
    )


def axes(yy: Any, xy: Any, xx: Any) -> tuple[Floats, Floats]:
    """Elongation and direction of point clouds with these variances and covariance.

    Elongation is the standard deviation along the long axis over that along the short one, 1 and
    more. Direction is that of the long axis in degrees, -90..90: 0 along the rows, 45 rising to the
    right.
    """
    yy, xx = np.asarray(yy) + _PIXEL_VARIANCE, np.asarray(xx) + _PIXEL_VARIANCE
    middle, apart = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
    elongation = np.sqrt((middle + apart) / np.maximum(middle - apart, _PIXEL_VARIANCE))
    return elongation, np.degrees(np.arctan2(-2 * np.asarray(xy), xx - yy)) / 2


def from_mean_direction(degrees: Floats, known: NDArray[np.bool_]) -> Floats:
    """Degrees (N,), which repeat after 180, from the mean direction of the known ones: -90..90.

    The mean is that of the doubled angles.
    """
    doubled = np.exp(2j * np.radians(degrees))
    mean = np.angle(doubled[known].mean())
    return np.asarray(np.degrees(np.angle(doubled * np.exp(-1j * mean))) / 2)


def at_border(boxes: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N, C): whether masks with boxes (N, C, 4) reach the edge of their image (N, 2)."""
    top, left, bottom, right = np.moveaxis(boxes, 2, 0)
    height, width = sizes.T[:, :, None]
    touches = (top == 0) | (left == 0) | (bottom == height) | (right == width)
    return np.asarray(touches & (bottom > 0))
