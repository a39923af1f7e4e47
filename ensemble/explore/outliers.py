"""Masks unlike the others of their class, in size, place, pose or brightness.

A value x is judged by the modified z-score (x - median) / (MAD / .6745) of its class, MAD being the
median of the distances from the median (Iglewicz and Hoaglin, 1993, who call 3.5 an outlier). Where
more than half of the values are equal, so that the MAD is 0, the divisor is 1.2533 times the mean
distance; and it is never less than a spread below which a difference is a matter of pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.explore.shapes import Shapes, from_mean_direction

OUTLIER_Z = 3.5
# A class in fewer images than this has no outliers.
LEAST_IMAGES = 8
_MAD_OF_NORMAL = 0.6745
_MEAN_OF_NORMAL = 1.2533
_POINTS = 1.2  # rounder masks have no direction

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of masks that is judged: its values (N, C), NaN where there is none.

    `least_spread` in units of the values; axial ones are degrees that repeat after 180.
    """

    of: Callable[[Shapes], Floats]
    least_spread: float
    is_axial: bool = False


# Areas and elongations by their logarithm, since they differ by factors.
JUDGED = {
    "area": Figure(
        lambda shapes: np.log(np.where(shapes.is_present, shapes.area_share, np.nan)), 0.02
    ),
    "height in the image": Figure(lambda shapes: shapes.centre_y, 0.005),
    "place across": Figure(lambda shapes: shapes.centre_x, 0.005),
    "elongation": Figure(lambda shapes: np.log(shapes.elongation), 0.02),
    "direction": Figure(
        lambda shapes: np.where(shapes.elongation > _POINTS, shapes.direction_deg, np.nan),
        2.0,
        is_axial=True,
    ),
    "brightness": Figure(lambda shapes: shapes.level, 0.01),
}


@dataclass(frozen=True, slots=True)
class Outlier:
    """A mask that is unlike the others in `what`, by a modified z-score; the indices name it."""

    image: int
    class_index: int
    what: str
    z: float


def find_outliers(shapes: Shapes) -> list[Outlier]:
    """Every figure of every mask beyond OUTLIER_Z, the most extreme first."""
    found = []
    for what, z in z_scores(shapes).items():
        for image, class_index in np.argwhere(np.abs(z) > OUTLIER_Z).tolist():
            found.append(Outlier(image, class_index, what, float(z[image, class_index])))
    return sorted(found, key=lambda outlier: -abs(outlier.z))


def z_scores(shapes: Shapes) -> dict[str, Floats]:
    """Modified z-scores (N, C) by what they judge; 0 where a class is absent or too rare."""
    scores = {}
    for what, figure in JUDGED.items():
        columns = figure.of(shapes).T
        judged = [
            modified_z(column, least=figure.least_spread, is_axial=figure.is_axial)
            for column in columns
        ]
        scores[what] = np.stack(judged, axis=1)
    return scores


def modified_z(values: Floats, *, least: float, is_axial: bool = False) -> Floats:
    """Scores (N,) of values, NaN being no value; axial ones are degrees that repeat after 180."""
    known = np.isfinite(values)
    if known.sum() < LEAST_IMAGES:
        return np.zeros(len(values))
    offsets = np.where(known, values, 0.0)
    if is_axial:
        offsets = from_mean_direction(offsets, known)
    offsets = offsets - np.median(offsets[known])
    distances = np.abs(offsets[known])
    spread = np.median(distances) / _MAD_OF_NORMAL or distances.mean() * _MEAN_OF_NORMAL
    return np.where(known, offsets / max(spread, least), 0.0)
