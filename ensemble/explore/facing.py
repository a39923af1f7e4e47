"""Which way round an image shows its classes, as pictures of left and of right hands differ.

An image tells it by the order of its classes from left to right. Only classes that lie more beside
than above each other count, so that what leans is not taken for a mirror image.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ensemble.classes import ClassList
from ensemble.explore.outliers import LEAST_IMAGES
from ensemble.explore.shapes import Shapes
from ensemble.kernels.label_sums import AREA, X, Y

# Of two classes one is always left of the other; only an order of three can be a coincidence.
_LEAST_CLASSES = 3
# Each side has this share of the images that tell theirs, or there are no sides: fewer are faults.
_LEAST_SHARE = 0.05
# How well the order of most images agrees with the mean order (cosine), or there is no such order.
_LEAST_AGREEMENT = 0.8

Floats = NDArray[np.float64]


def across_order(sums: NDArray[np.int64], background: int | None) -> Floats:
    """(C,): the share of the classes beside it that are left of one, less that right of it.

    From label sums (C, 7) of an image. 0 where a class is absent or has none beside it, and for a
    background; in a mirror image the sign changes.
    """
    area = np.where(sums[:, AREA] == 0, np.nan, sums[:, AREA])
    if background is not None:
        area[background] = np.nan
    y, x = sums[:, Y] / area, sums[:, X] / area
    across = x[:, None] - x[None, :]  # NaN compares as False
    is_beside = np.abs(across) > np.abs(y[:, None] - y[None, :])
    signs = np.where(is_beside, np.sign(across), 0.0).sum(axis=1)
    return np.asarray(signs / np.maximum(is_beside.sum(axis=1), 1))


def mirrored_images(orders: Floats, classes: ClassList) -> NDArray[np.bool_]:
    """(N,): images that show their classes the other way round than most; none without sides.

    `orders` (N, C) as `across_order` has them. Classes with mirror pairs swap names in a mirror
    image, so that these have no sides.
    """
    is_mirrored = np.zeros(len(orders), np.bool_)
    telling = np.flatnonzero((orders != 0).sum(axis=1) >= _LEAST_CLASSES)
    if classes.mirror_pairs or len(telling) < LEAST_IMAGES:
        return is_mirrored
    agreement = _agreement(orders[telling])
    is_other = agreement < 0
    if is_other.mean() > 0.5:
        is_other = ~is_other
    if np.median(np.abs(agreement)) >= _LEAST_AGREEMENT and is_other.mean() >= _LEAST_SHARE:
        is_mirrored[telling] = is_other
    return is_mirrored


def _agreement(orders: Floats) -> Floats:
    """(N,): the cosine of each order (N, C) with the one that, or whose opposite, most follow.

    Over the classes that an image shows, so that a part of a hand agrees as well as a whole one.
    """
    told = orders / np.linalg.norm(orders, axis=1, keepdims=True)
    mean_order = np.linalg.eigh(told.T @ told)[1][:, -1]
    lengths = np.linalg.norm(np.where(told != 0, mean_order, 0.0), axis=1)
    return np.asarray(told @ mean_order / np.maximum(lengths, 1e-12))


def turn(shapes: Shapes, is_mirrored: NDArray[np.bool_]) -> Shapes:
    """Shapes as if some of the N images had been mirrored, left to right."""
    flipped = is_mirrored[:, None]
    return replace(
        shapes,
        centre_x=np.where(flipped, 1 - shapes.centre_x, shapes.centre_x),
        direction_deg=np.where(flipped, -shapes.direction_deg, shapes.direction_deg),
    )


def beside_others(shapes: Shapes) -> Shapes:
    """Shapes whose places across are as if all images held their classes about one place.

    Of each image the median distance of its classes from their usual places is taken off, where it
    has enough classes to tell.
    """
    counts = np.isfinite(shapes.centre_x)
    usual = _medians(shapes.centre_x, counts, axis=0)
    moved = _medians(shapes.centre_x - usual, counts, axis=1)
    is_told = counts.sum(axis=1, keepdims=True) >= _LEAST_CLASSES
    return replace(shapes, centre_x=shapes.centre_x - np.where(is_told, moved, 0.0))


def _medians(values: Floats, known: NDArray[np.bool_], *, axis: int) -> Floats:
    """Medians of what is known along an axis, which is kept; 0 where nothing is."""
    is_empty = ~known.any(axis=axis, keepdims=True)
    return np.asarray(np.nanmedian(np.where(is_empty, 0.0, values), axis=axis, keepdims=True))
