"""The graded metric: Dice of each image and class at full size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label, areas_px, intersection_px
from ensemble.metrics import dice
from ensemble.runs.rle import Runs, area


def image_counts(runs: Sequence[Runs], label: Label) -> NDArray[np.int64]:
    """(C, 3): predicted area, intersection and true area of each class of an image.

    Ignored pixels count neither in the prediction nor in the truth.
    """
    num_classes = len(runs)
    predicted = np.array([area(mask) for mask in runs], np.int64)
    intersection = np.array(
        [intersection_px(label.planes, c, mask) for c, mask in enumerate(runs)], np.int64
    )
    if label.ignored is not None:
        predicted -= _ignored_px(runs, label.ignored)
    return np.stack([predicted, intersection, areas_px(label.planes, num_classes)], axis=1)


def image_dice(runs: Sequence[Runs], label: Label) -> NDArray[np.float64]:
    """Dice (C,) of an image's predicted runs, one entry a class, against its label.

    To average, take the mean over images first, then over classes.
    """
    predicted, intersection, true = image_counts(runs, label).T
    return dice(intersection, predicted, true)


def _ignored_px(runs: Sequence[Runs], ignored: NDArray[np.bool_]) -> NDArray[np.int64]:
    plane = ignored.astype(np.uint32)[None]
    return np.array([intersection_px(plane, 0, mask) for mask in runs], np.int64)
