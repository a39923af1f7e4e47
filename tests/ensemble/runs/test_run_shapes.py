"""Parts and places of masks in run space, against scipy on decoded ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import ndimage

from ensemble.runs.rle import decode, empty_runs, encode
from ensemble.runs.run_shapes import (
    bounding_box_yxyx,
    centroid_yx,
    components,
    drop_small_components,
    fill_holes,
    largest_component,
)
from strategies import masks

pytestmark = pytest.mark.kernel
connectivities = st.sampled_from([4, 8])


def structure(connectivity):
    return ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)


def parts(mask, connectivity):
    """Parts by area, equal ones by their first pixel, which is how scipy numbers them."""
    labels, count = ndimage.label(mask, structure(connectivity))
    found = [labels == number for number in range(1, count + 1)]
    return sorted(found, key=lambda part: (-part.sum(), part.reshape(-1).argmax()))


@given(masks(), connectivities)
def test_components_are_those_of_scipy(mask, connectivity):
    runs, expected = encode(mask), parts(mask, connectivity)
    found = components(runs, mask.shape, connectivity=connectivity)
    assert [part.tolist() for part in found] == [encode(part).tolist() for part in expected]
    largest = largest_component(runs, mask.shape, connectivity=connectivity)
    assert_array_equal(largest, encode(expected[0]) if expected else empty_runs())


@given(masks(), connectivities, st.integers(0, 30))
def test_small_components_are_dropped(mask, connectivity, min_area_px):
    found = drop_small_components(encode(mask), mask.shape, min_area_px, connectivity=connectivity)
    kept = [part for part in parts(mask, connectivity) if part.sum() >= min_area_px]
    assert_array_equal(decode(found, mask.shape), np.any([mask & False, *kept], axis=0))


@given(masks(), connectivities)
def test_holes_are_filled_as_by_scipy(mask, connectivity):
    found = fill_holes(encode(mask), mask.shape, connectivity=connectivity)
    background = structure(4 if connectivity == 8 else 8)
    assert_array_equal(
        decode(found, mask.shape), ndimage.binary_fill_holes(mask, structure=background)
    )


@given(masks())
def test_box_and_centroid_are_those_of_the_pixels(mask):
    runs = encode(mask)
    box, centroid = bounding_box_yxyx(runs, mask.shape), centroid_yx(runs, mask.shape)
    if not mask.any():
        assert box is None
        assert centroid is None
        return
    y, x = np.nonzero(mask)
    assert box == (y.min(), x.min(), y.max() + 1, x.max() + 1)
    assert centroid == pytest.approx((y.mean(), x.mean()))


def test_a_run_over_the_end_of_a_row_is_two_parts():
    runs = np.array([[3, 2]], np.int64)  # the end of a row of 4 pixels, and the start of the next
    assert [part.tolist() for part in components(runs, (3, 4))] == [[[3, 1]], [[4, 1]]]
    assert bounding_box_yxyx(runs, (3, 4)) == (0, 0, 2, 4)


def test_corners_connect_only_with_connectivity_8():
    runs = encode(np.eye(5, 7, dtype=bool))
    assert len(components(runs, (5, 7), connectivity=8)) == 1
    assert len(components(runs, (5, 7), connectivity=4)) == 5
