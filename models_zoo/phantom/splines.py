"""Closed smooth curves, and what is done to the polygons that are sampled from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 2) as x, y; y points down, as in images


def closed_curve(control: Points, samples: int) -> Points:
    """Sample the closed centripetal Catmull-Rom curve through (n, 2) points: (n * samples, 2).

    Centripetal, because it neither loops nor overshoots where control points lie unevenly
    (Yuksel et al., Parameterization and applications of Catmull-Rom curves, 2011).
    """
    p0, p1, p2, p3 = (np.roll(control, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    t1 = _knot_span(p0, p1)
    t2 = t1 + _knot_span(p1, p2)
    t3 = t2 + _knot_span(p2, p3)
    t = t1 + (t2 - t1) * (np.arange(samples) / samples)[None, :, None]
    # The pyramid of Barry and Goldman: three lines, two parabolas, one cubic.
    a1 = _between(t, 0.0 * t1, t1, p0, p1)
    a2 = _between(t, t1, t2, p1, p2)
    a3 = _between(t, t2, t3, p2, p3)
    b1 = _between(t, 0.0 * t1, t2, a1, a2)
    b2 = _between(t, t1, t3, a2, a3)
    return _between(t, t1, t2, b1, b2).reshape(-1, 2)


def _knot_span(a: Points, b: Points) -> Points:
    return np.asarray(np.sqrt(np.linalg.norm(b - a, axis=-1, keepdims=True)), np.float64)


def _between(t: Points, t0: Points, t1: Points, p0: Points, p1: Points) -> Points:
    return np.asarray((p0 * (t1 - t) + p1 * (t - t0)) / (t1 - t0), np.float64)


def rotate(points: Points, degrees: float, centre: Points) -> Points:
    """Turn (n, 2) points about `centre`; positive is clockwise as seen, since y points down."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = (points - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
    return np.asarray(turned, np.float64)


def direction(degrees: float) -> Points:
    """Unit vector (2,) that points up the image at 0 degrees and right at 90 degrees."""
    angle = np.deg2rad(degrees)
    return np.array([np.sin(angle), -np.cos(angle)])


def cut_below(polygon: Points, limit: float) -> Points:
    """The part of a closed polygon with y <= limit (Sutherland and Hodgman, one edge)."""
    kept: list[Points] = []
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if start[1] <= limit:
            kept.append(start)
        if (start[1] <= limit) != (end[1] <= limit):
            kept.append(start + (end - start) * (limit - start[1]) / (end[1] - start[1]))
    return np.array(kept).reshape(-1, 2)
