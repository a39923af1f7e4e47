"""The flesh around the bones: how many millimetres of soft tissue each ray passes through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models_zoo.phantom.pose import FILM_MM, Hand
from models_zoo.phantom.splines import Points

# Half widths in mm of flesh at the joints of a ray, from the metacarpal's base to the tip.
FINGER_RADII_MM = (13.0, 12.0, 9.6, 8.3, 6.9)
THUMB_RADII_MM = (13.0, 12.5, 10.2, 8.2)
LITTLE_SHARE = 0.88
WRIST_RADIUS_MM = 31.0
ELBOW_RADIUS_MM = 37.0
# A fingertip's pad reaches past its bone.
PAD_MM = 4.0
SMOOTHING_MM = 2.4
SKIN_MM = 0.35
EDGE_RADIUS_MM = 11.0
PALM_MM = 9.0
PALM_SMOOTHING_MM = 13.0

Circle = tuple[Points, float]  # centre (2,) and radius, mm


def soft_tissue_mm(hand: Hand, size: int) -> NDArray[np.float32]:
    """Thickness (size, size) in mm, 0 outside the skin."""
    px_per_mm = size / FILM_MM
    drawn = np.zeros((size, size), np.uint8)
    for circles in _hulls(hand):
        cv2.fillPoly(drawn, [_hull_px(circles, px_per_mm)], 255)
    # Blurring and cutting again rounds corners and fills the webs between the fingers.
    soft = blurred(drawn.astype(np.float32) / np.float32(255.0), SMOOTHING_MM * px_per_mm)
    inside = (soft > 0.45).astype(np.uint8)
    depth_mm = cv2.distanceTransform(inside, cv2.DIST_L2, 5) / np.float32(px_per_mm)
    radius = np.float32(EDGE_RADIUS_MM * hand.body.scale * hand.body.flesh)
    short = radius - np.minimum(depth_mm, radius)
    rim_mm = np.float32(1.7) * np.sqrt(radius * radius - short * short)
    palm = blurred(inside.astype(np.float32), PALM_SMOOTHING_MM * px_per_mm)
    palm_mm = np.float32(PALM_MM * hand.body.flesh) * np.maximum(palm - np.float32(0.45), 0.0) * 2.0
    # The blur takes the grid's steps off the skin.
    return blurred(np.asarray((rim_mm + palm_mm) * inside, np.float32), SKIN_MM * px_per_mm)


def finger_radius_mm(hand: Hand, digit: int) -> float:
    """Half width of a digit's flesh where a ring sits."""
    return 0.96 * _radii(hand, digit)[2]


def _radii(hand: Hand, digit: int) -> list[float]:
    widths = THUMB_RADII_MM if digit == 0 else FINGER_RADII_MM
    share = hand.body.scale * hand.body.flesh**0.5 * (LITTLE_SHARE if digit == 4 else 1.0)
    return [share * width for width in widths]


def _hulls(hand: Hand) -> Iterator[list[Circle]]:
    """Groups of circles; the flesh is the union of their convex hulls."""
    rays = [_padded(ray, PAD_MM, _radii(hand, d)[-1]) for d, ray in enumerate(hand.rays_mm)]
    circles = [list(zip(ray, _radii(hand, d), strict=True)) for d, ray in enumerate(rays)]
    for ray_circles in circles:
        yield from (list(pair) for pair in pairwise(ray_circles))
    for left, right in pairwise(circles[1:]):
        yield [*_palm_part(left, 0.30), *_palm_part(right, 0.30)]
    thumb, index = circles[0], circles[1]
    yield [thumb[0], _on(thumb[0], thumb[1], 0.80), index[0], _on(index[0], index[1], 0.55)]
    wrist, elbow = hand.forearm_mm
    wrist_circle = (wrist, WRIST_RADIUS_MM * hand.body.scale * hand.body.flesh**0.5)
    yield [wrist_circle, *(ray_circles[0] for ray_circles in circles)]
    yield [wrist_circle, (elbow, ELBOW_RADIUS_MM * hand.body.scale * hand.body.flesh)]


def _palm_part(circles: Sequence[Circle], beyond: float) -> list[Circle]:
    """A finger's share of the palm: its metacarpal and the first part of the finger."""
    return [circles[0], circles[1], _on(circles[1], circles[2], beyond)]


def _on(start: Circle, end: Circle, share: float) -> Circle:
    return (
        start[0] + share * (end[0] - start[0]),
        start[1] + share * (end[1] - start[1]),
    )


def _padded(ray: Points, pad_mm: float, radius_mm: float) -> Points:
    """The ray with its last joint moved so that a circle of `radius_mm` ends `pad_mm` past it."""
    ahead = ray[-1] - ray[-2]
    ahead = ahead / np.linalg.norm(ahead)
    return np.concatenate([ray[:-1], [ray[-1] + ahead * (pad_mm - radius_mm)]])


def _hull_px(circles: Sequence[Circle], px_per_mm: float) -> NDArray[np.int32]:
    turn = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points = np.concatenate([centre + radius * ring for centre, radius in circles])
    hull = cv2.convexHull((points * px_per_mm - 0.5).astype(np.float32))
    return np.rint(hull).astype(np.int32)


def blurred(image: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Gaussian blur that repeats the border; wide ones are done on a smaller image."""
    shrink = max(1, int(sigma_px // 4))
    if shrink == 1:
        return _gaussian(image, sigma_px)
    h, w = image.shape
    small = cv2.resize(image, (w // shrink, h // shrink), interpolation=cv2.INTER_AREA)
    small = _gaussian(np.asarray(small, np.float32), sigma_px / shrink)
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def _gaussian(image: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    blurred = cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)
