"""The labels of a data set, counted one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label
from ensemble.classes import ClassList
from ensemble.explore.facing import across_order
from ensemble.explore.looks import Levels
from ensemble.explore.overlaps import Overlaps, OverlapSum
from ensemble.explore.polygon_faults import PolygonFault
from ensemble.explore.sided_covers import COVER_CELLS, SidedCovers
from ensemble.kernels.label_sums import LEVELS, NUM_SUMS, add_label_sums


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """What one label counts, as `add_label_sums` has it, and what is wrong with its polygons."""

    sums: NDArray[np.int64]
    boxes: NDArray[np.int64]
    shared: NDArray[np.int64]
    cover: NDArray[np.float64]
    several_px: int
    ignored_px: int
    polygon_faults: tuple[PolygonFault, ...]


@dataclass(frozen=True, slots=True)
class LabelSurvey:
    """The labels of N images and C classes.

    `sums` (N, C, 7) and `boxes` (N, C, 4) as `add_label_sums` has them; `several_px`, `ignored_px`
    (N,): pixels of two classes or more, and pixels that do not count. `orders` (N, C) as
    `across_order` has them. `polygon_faults`: with the index of the image.
    """

    classes: ClassList
    sums: NDArray[np.int64]
    boxes: NDArray[np.int64]
    several_px: NDArray[np.int64]
    ignored_px: NDArray[np.int64]
    overlaps: Overlaps
    orders: NDArray[np.float64]
    covers: SidedCovers
    polygon_faults: tuple[tuple[int, PolygonFault], ...]

    @property
    def places(self) -> NDArray[np.int64]:
        """(N, C, 6): areas, places and second moments, whatever the images show."""
        return np.delete(self.sums, LEVELS, axis=2)

    def mean_cover(self, is_mirrored: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(C, 64, 64): the share of the images that have a class at a place, some mirrored (N,).

        All of them are stretched to one square.
        """
        return self.covers.sum(is_mirrored) / len(self.sums)

    def is_same(self, first: int, second: int) -> bool:
        """Whether two images have the same label, as far as `places` tells."""
        return np.array_equal(self.places[first], self.places[second])


def count_label(
    label: Label, levels: Levels, num_classes: int, polygon_faults: tuple[PolygonFault, ...] = ()
) -> LabelCounts:
    """Count a label over the grey levels (H, W) of its image."""
    sums = np.zeros((num_classes, NUM_SUMS), np.int64)
    boxes = np.zeros((num_classes, 4), np.int64)
    shared = np.zeros((num_classes, num_classes), np.int64)
    cover = np.zeros((num_classes, COVER_CELLS, COVER_CELLS))
    several_px = add_label_sums(label.planes, levels, sums, boxes, shared, cover)
    ignored_px = 0 if label.ignored is None else int(label.ignored.sum())
    return LabelCounts(sums, boxes, shared, cover, several_px, ignored_px, polygon_faults)


class LabelSum:
    """Adds the counts of one label after the other."""

    def __init__(self, classes: ClassList) -> None:
        self._classes = classes
        self._rows: list[tuple[NDArray[np.int64], NDArray[np.int64], int, int]] = []
        self._overlaps = OverlapSum(len(classes))
        self._orders: list[NDArray[np.float64]] = []
        self._covers = SidedCovers(len(classes))
        self._faults: list[tuple[int, PolygonFault]] = []

    def add(self, counts: LabelCounts) -> None:
        """The counts of the next image."""
        self._faults += [(len(self._rows), fault) for fault in counts.polygon_faults]
        self._rows.append((counts.sums, counts.boxes, counts.several_px, counts.ignored_px))
        self._overlaps.add(counts.shared)
        order = across_order(counts.sums, self._classes.background)
        self._orders.append(order)
        self._covers.add(counts.cover, order)

    def result(self) -> LabelSurvey:
        """The labels that were added, one or more."""
        sums, boxes, several, ignored = zip(*self._rows, strict=True)
        return LabelSurvey(
            classes=self._classes,
            sums=np.stack(sums),
            boxes=np.stack(boxes),
            several_px=np.array(several, np.int64),
            ignored_px=np.array(ignored, np.int64),
            overlaps=self._overlaps.result(),
            orders=np.stack(self._orders),
            covers=self._covers,
            polygon_faults=tuple(self._faults),
        )
