import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.diagnosis.surface import surface_distances_px
from strategies import masks, sizes


@given(st.data(), sizes)
def test_distances_are_those_of_every_pair_of_surface_pixels(data, size):
    a, b = data.draw(masks(size)), data.draw(masks(size))
    expected = reference.surface_distances_px(a, b)
    np.testing.assert_allclose(surface_distances_px(a, b), expected, rtol=1e-5)
    np.testing.assert_allclose(surface_distances_px(b, a), expected, rtol=1e-5)


@given(masks())
def test_a_mask_lies_on_itself_unless_it_is_empty(mask):
    expected = (0, 0) if mask.any() else (np.nan, np.nan)
    np.testing.assert_array_equal(surface_distances_px(mask, mask), expected)


def test_a_mask_that_is_moved_is_as_far_as_it_was_moved():
    line = np.zeros((9, 30), bool)
    line[2, 3:20] = True
    assert surface_distances_px(line, np.roll(line, 4, axis=0)) == pytest.approx((4, 4))


def test_the_inside_of_a_mask_does_not_count():
    square = np.zeros((40, 50), bool)
    square[5:30, 8:40] = True
    hollow = square.copy()
    hollow[15, 20] = False  # its four neighbours are surface, 6 pixels and more from the outline
    mean, far = surface_distances_px(square, hollow)
    assert 0 < mean < 1
    assert far == 0
