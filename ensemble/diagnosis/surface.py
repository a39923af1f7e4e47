"""How far the outline of a prediction lies from the true one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]

_SIDES = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_PERCENTILE = 95


def surface_distances_px(a: Mask, b: Mask) -> tuple[float, float]:
    """Mean symmetric surface distance and 95 % Hausdorff distance of two masks (H, W), in pixels.

    The surface of a mask is its pixels that have one of their four sides outside of it or on the
    border of the image; distances are Euclidean, exact, between centres of pixels. The first is the
    mean over all pixels of both surfaces of the distance to the nearest one of the other surface;
    the second the larger of the 95th percentiles of the two directions. NaN where a mask is empty.
    """
    if not (a.any() and b.any()):
        return np.nan, np.nan
    surface_a, surface_b = _surface(a), _surface(b)
    there, back = _distances(surface_a, surface_b), _distances(surface_b, surface_a)
    mean = (there.sum(dtype=np.float64) + back.sum(dtype=np.float64)) / (len(there) + len(back))
    return float(mean), float(max(np.percentile(way, _PERCENTILE) for way in (there, back)))


def _surface(mask: Mask) -> Mask:
    pixels = mask.astype(np.uint8)
    inside = cv2.erode(pixels, _SIDES, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(pixels != inside)


def _distances(ours: Mask, theirs: Mask) -> Floats:
    """From each pixel of our surface to the nearest one of theirs, which is not empty."""
    far = np.asarray(~theirs, np.uint8)
    to_theirs = cv2.distanceTransform(far, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(to_theirs[ours], np.float32)
