"""How what is labelled lies in its image, and how it would have to be turned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label, unpack
from ensemble.classes import ClassList
from ensemble.data.datasets import LabelledFolder
from ensemble.explore.shapes import axes, from_mean_direction
from ensemble.progress import Progress

# From here on what leans is called bent.
BENT_FROM_DEG = 15.0


def folder_leans_deg(data: LabelledFolder, progress: Progress) -> NDArray[np.float64]:
    """`leans_deg` (N,) of the images of a folder, by their labels."""
    directions = []
    with progress("looking at poses", len(data.samples)) as advance:
        for sample in data.samples:
            directions.append(long_axis_deg(data.read_label(sample), data.classes))
            advance(1)
    return leans_deg(directions)


def long_axis_deg(label: Label, classes: ClassList) -> float:
    """Direction of the long axis of all labelled pixels, -90..90 as `axes` has it.

    A background class does not count; NaN where nothing is labelled.
    """
    masks = unpack(label.planes, len(classes))
    if classes.background is not None:
        masks[classes.background] = False
    y, x = np.nonzero(masks.any(axis=0))
    if not len(y):
        return float("nan")
    yy, xx, xy = y.var(), x.var(), ((y - y.mean()) * (x - x.mean())).mean()
    return float(axes(yy, xy, xx)[1])


def leans_deg(directions: Sequence[float]) -> NDArray[np.float64]:
    """How far each axis (N,) leans from most of them, -90..90; NaN stays.

    Most of them: the median of the angles to their mean direction.
    """
    degrees = np.asarray(directions, np.float64)
    known = np.isfinite(degrees)
    if not known.any():
        return degrees
    leans = from_mean_direction(np.where(known, degrees, 0.0), known)
    leans = leans - np.median(leans[known])
    return np.where(known, (leans + 90) % 180 - 90, np.nan)
