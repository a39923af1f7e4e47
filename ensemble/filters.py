"""What is done to the finished masks of a class: holes filled, small or lesser parts dropped."""

from __future__ import annotations

from dataclasses import dataclass

from ensemble.rle import Runs
from ensemble.run_shapes import drop_small_components, fill_holes, largest_components


@dataclass(frozen=True, slots=True)
class ClassFilter:
    """Applied in this order: holes, then the `keep_largest` parts, then those of `min_area_px`.

    A hole is background that does not reach the image's border. Parts are connected through sides
    and corners, holes through sides. 0 largest parts means all, and an area of 0 any.
    """

    fill_holes: bool = False
    keep_largest: int = 0
    min_area_px: int = 0

    def __str__(self) -> str:
        """For people, in the order in which it is applied."""
        steps = (
            "fill holes" if self.fill_holes else "",
            f"largest {self.keep_largest}" if self.keep_largest else "",
            f"from {self.min_area_px} px" if self.min_area_px else "",
        )
        return ", ".join(filter(None, steps)) or "-"

    def apply(self, runs: Runs, size: tuple[int, int]) -> Runs:
        """What is left of the row-major runs of a mask of an (H, W) = size image."""
        if self.fill_holes:
            runs = fill_holes(runs, size)
        if self.keep_largest:
            runs = largest_components(runs, size, self.keep_largest)
        if self.min_area_px > 1:
            runs = drop_small_components(runs, size, self.min_area_px)
        return runs


NO_FILTER = ClassFilter()
