"""What is wrong with the prediction of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label, Planes, class_words, from_runs, get_mask
from ensemble.classes import ClassList
from ensemble.diagnosis.surface import surface_distances_px
from ensemble.kernels.comparison import SEVERAL, add_confusion, map_verdicts
from ensemble.runs.rle import Runs


@dataclass(frozen=True, slots=True)
class ImageErrors:
    """An image's errors by C classes; ignored pixels count nowhere.

    `confusion` (C + 1, C + 1) and `shared` (3, C, C) as `add_confusion` has them, of this image.
    `boxes` (C, 4): top, left, bottom, right of each class in truth or prediction, ends excluded.
    `surface_px` (C, 2) as `surface_distances_px`. `verdicts` (2, 4): pixels right, missed, extra
    and of another class, of all pixels, and of those with two or more classes in truth or
    prediction; the background is no class there.
    """

    size: tuple[int, int]
    confusion: NDArray[np.int64]
    shared: NDArray[np.int64]
    boxes: NDArray[np.int64]
    surface_px: NDArray[np.float64]
    verdicts: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """(C, 3): predicted area, intersection and true area of each class."""
        true, predicted, both = (np.diagonal(pairs) for pairs in self.shared)
        return np.stack([predicted, both, true], axis=1)


def find_errors(runs: Sequence[Runs], label: Label, classes: ClassList) -> ImageErrors:
    """Compare predicted runs, one entry a class, with the label of their image."""
    count = len(classes)
    predicted = predicted_planes(runs, label)
    confusion = np.zeros((count + 1, count + 1), np.int64)
    shared = np.zeros((3, count, count), np.int64)
    boxes = np.zeros((count, 4), np.int64)
    add_confusion(label.planes, predicted, confusion, shared, boxes)
    surface = np.array([_surface_px(label.planes, predicted, c, boxes[c]) for c in range(count)])
    _, codes = verdict_map(label.planes, predicted, classes)
    several = codes[SEVERAL + 1 : SEVERAL + 5]
    verdicts = np.stack([codes[1:5] + several, several])
    return ImageErrors(label.size, confusion, shared, boxes, surface, verdicts)


def predicted_planes(runs: Sequence[Runs], label: Label) -> Planes:
    """Planes of predicted runs, without the pixels that the label ignores."""
    planes = from_runs(runs, label.size)
    if label.ignored is not None:
        planes[:, label.ignored] = 0
    return planes


def verdict_map(
    true: Planes, predicted: Planes, classes: ClassList
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The code of each pixel (H, W), as kernels.comparison names them, and how often each comes."""
    looked_at = [c for c in range(len(classes)) if c != classes.background]
    verdicts = np.empty(true.shape[1:], np.uint8)
    codes = map_verdicts(true, predicted, class_words(looked_at, len(classes)), verdicts)
    return verdicts, codes


def _surface_px(
    true: Planes, predicted: Planes, class_index: int, box: NDArray[np.int64]
) -> tuple[float, float]:
    """Surface distances of a class inside the box of both its masks, which changes nothing."""
    top, left, bottom, right = box.tolist()
    inside = (slice(None), slice(top, bottom), slice(left, right))
    masks = (get_mask(planes[inside], class_index) for planes in (true, predicted))
    return surface_distances_px(*masks)
