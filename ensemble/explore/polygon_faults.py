"""Polygons that leave the image, have no area, or are stated twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.data.labels.polygons import Polygon

Kind = Literal["out of bounds", "no area", "stated twice"]


@dataclass(frozen=True, slots=True)
class PolygonFault:
    """`place` in the label file; `detail` is for people."""

    kind: Kind
    place: str
    class_index: int
    detail: str


def find_polygon_faults(
    polygons: Sequence[Polygon], size: tuple[int, int], *, names_pixels: bool
) -> list[PolygonFault]:
    """All faults of the polygons of an image of (H, W) = size, in their order.

    `names_pixels`: whether the last coordinate inside is side - 1, or side.
    """
    seen: dict[tuple[int, bytes], str] = {}
    faults = []
    for polygon in polygons:
        key = (polygon.class_index, _canonical(polygon.points).tobytes())
        first = seen.setdefault(key, polygon.place)
        found: dict[Kind, str] = {
            "out of bounds": _outside(polygon.points, size, names_pixels),
            "no area": "" if _area(polygon.points) else "it is a line or a point",
            "stated twice": f"as {first}" if first != polygon.place else "",
        }
        faults += [
            PolygonFault(kind, polygon.place, polygon.class_index, detail)
            for kind, detail in found.items()
            if detail
        ]
    return faults


def _outside(points: NDArray[np.float64], size: tuple[int, int], names_pixels: bool) -> str:
    """How many points lie outside, and how far the furthest; empty if none does."""
    most = np.array([size[1], size[0]]) - int(names_pixels)
    beyond = np.maximum(np.maximum(-points, points - most), 0).max(axis=1)
    count = int((beyond > 0).sum())
    if not count:
        return ""
    return f"{count} of {len(points)} points, by up to {beyond.max():g} px"


def _area(points: NDArray[np.float64]) -> float:
    """Twice the largest triangle that the first point makes with any two others in a row."""
    x, y = (points - points[0]).T
    return float(np.abs(x[:-1] * y[1:] - x[1:] * y[:-1]).max())


def _canonical(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same ring of points, begun at its smallest and gone round in one direction."""
    start = int(np.lexsort((points[:, 1], points[:, 0]))[0])
    forwards = np.roll(points, -start, axis=0)
    backwards = np.roll(forwards[::-1], 1, axis=0)
    return forwards if forwards[1].tolist() <= backwards[1].tolist() else backwards
