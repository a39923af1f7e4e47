import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.data.labels.polygons import Polygon
from ensemble.explore.polygon_faults import find_polygon_faults

SQUARE = [[2, 2], [2, 8], [8, 8], [8, 2]]


def faults(*rings, names_pixels=True, classes=None):
    polygons = [
        Polygon(f"annotations[{i}]", classes[i] if classes else 0, np.array(ring, float))
        for i, ring in enumerate(rings)
    ]
    found = find_polygon_faults(polygons, (10, 20), names_pixels=names_pixels)
    return [(fault.kind, fault.place, fault.detail) for fault in found]


def test_a_polygon_inside_has_no_fault():
    assert faults(SQUARE, [[0, 0], [19, 0], [19, 9]]) == []
    assert faults([[0, 0], [20, 0], [20, 10]], names_pixels=False) == []


@pytest.mark.parametrize(
    ("ring", "detail"),
    [
        ([[0, 0], [20, 0], [5, 5]], "1 of 3 points, by up to 1 px"),
        ([[0, -3], [4, 12], [5, 5]], "2 of 3 points, by up to 3 px"),
        ([[-7, 0], [4, 3], [5, 5]], "1 of 3 points, by up to 7 px"),
    ],
)
def test_points_beyond_the_border_are_counted(ring, detail):
    assert faults(ring) == [("out of bounds", "annotations[0]", detail)]


def test_lines_and_points_have_no_area():
    assert [f[0] for f in faults([[1, 1], [3, 3], [5, 5]])] == ["no area"]
    assert [f[0] for f in faults([[1, 1], [1, 1], [1, 1]])] == ["no area"]
    assert [f[0] for f in faults([[1, 1], [4, 1], [1, 1], [1, 6]])] == ["no area"]


@given(st.integers(0, 3), st.booleans())
def test_a_ring_is_the_same_from_any_start_in_any_direction(start, is_reversed):
    ring = SQUARE[start:] + SQUARE[:start]
    ring = ring[::-1] if is_reversed else ring
    assert faults(SQUARE, ring) == [("stated twice", "annotations[1]", "as annotations[0]")]
    assert faults(SQUARE, ring, classes=[0, 1]) == []
    assert faults(SQUARE, [[2, 2], [8, 8], [2, 8], [8, 2]]) == []
