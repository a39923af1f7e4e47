"""What is done to the finished masks of a class: unsure ones, holes, lesser parts dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ensemble.runs.rle import Runs
from ensemble.runs.run_shapes import drop_small_components, fill_holes, largest_components


@dataclass(frozen=True, slots=True)
class ClassFilter:
    """Applied in this order: unsure masks, holes, the `keep_largest` parts, those of `min_area_px`.

    A mask is unsure, and dropped whole, if fewer than `min_sure_px` of the image's pixels have a
    fused probability above `sure_threshold`. A hole is background that does not reach the image's
    border. Parts are connected through sides and corners, holes through sides. 0 largest parts
    means all, and an area of 0 any.
    """

    fill_holes: bool = False
    keep_largest: int = 0
    min_area_px: int = 0
    sure_threshold: float = 0.0
    min_sure_px: int = 0

    def __str__(self) -> str:
        """For people, in the order in which it is applied."""
        steps = (
            f"{self.min_sure_px} px above {self.sure_threshold:g}" if self.min_sure_px else "",
            "fill holes" if self.fill_holes else "",
            f"largest {self.keep_largest}" if self.keep_largest else "",
            f"from {self.min_area_px} px" if self.min_area_px else "",
        )
        return ", ".join(filter(None, steps)) or "-"

    def apply(self, runs: Runs, size: tuple[int, int], sure_px: int = 0) -> Runs:
        """What is left of the row-major runs of a mask of an (H, W) = size image.

        `sure_px` of its pixels lie above `sure_threshold`; of no use without `min_sure_px`.
        """
        if sure_px < self.min_sure_px:
            return np.empty((0, 2), np.int64)
        if self.fill_holes:
            runs = fill_holes(runs, size)
        if self.keep_largest:
            runs = largest_components(runs, size, self.keep_largest)
        if self.min_area_px > 1:
            runs = drop_small_components(runs, size, self.min_area_px)
        return runs


NO_FILTER = ClassFilter()
