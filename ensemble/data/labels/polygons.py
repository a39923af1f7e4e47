"""Polygons as label files state them, before they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Polygon:
    """`points` (N, 2: x, y) of one annotation; `place` names it in its file."""

    place: str
    class_index: int
    points: NDArray[np.float64]


@runtime_checkable
class PolygonSource(Protocol):
    """Labels that are stated as polygons, all or some of them."""

    @property
    def names_pixels(self) -> bool:
        """Whether coordinates name pixels, up to side - 1, or the corners of pixels, up to side."""
        ...

    def polygons(self, name: str) -> list[Polygon]:
        """The polygons of a sample, in the order of its file."""
        ...
