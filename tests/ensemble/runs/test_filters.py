"""Filters of masks, against scipy on decoded ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import ndimage

from ensemble.runs.filters import NO_FILTER, ClassFilter
from ensemble.runs.rle import decode, encode
from strategies import masks

pytestmark = pytest.mark.kernel
CORNERS = np.ones((3, 3), bool)
filters = st.builds(ClassFilter, st.booleans(), st.integers(0, 3), st.integers(0, 12))


def filtered(mask, class_filter):
    """Step by step, part by part."""
    if class_filter.fill_holes:
        mask = ndimage.binary_fill_holes(mask)
    labels, count = ndimage.label(mask, CORNERS)
    parts = sorted((labels == n for n in range(1, count + 1)), key=lambda part: -part.sum())
    if class_filter.keep_largest:
        parts = parts[: class_filter.keep_largest]
    parts = [part for part in parts if part.sum() >= class_filter.min_area_px]
    return np.any([np.zeros_like(mask), *parts], axis=0)


@given(masks(), filters)
def test_a_filter_does_what_scipy_does(mask, class_filter):
    found = class_filter.apply(encode(mask), mask.shape)
    assert_array_equal(decode(found, mask.shape), filtered(mask.astype(bool), class_filter))
    assert_array_equal(found, encode(decode(found, mask.shape)))


@given(masks())
def test_no_filter_gives_the_same_runs(mask):
    runs = encode(mask)
    assert NO_FILTER.apply(runs, mask.shape) is runs


@pytest.mark.parametrize(("sure_px", "kept"), [(0, False), (4, False), (5, True), (99, True)])
def test_a_mask_with_too_few_sure_pixels_is_dropped_whole(sure_px, kept):
    mask = np.ones((4, 7), bool)
    found = ClassFilter(sure_threshold=0.8, min_sure_px=5).apply(encode(mask), mask.shape, sure_px)
    assert_array_equal(decode(found, mask.shape), mask if kept else np.zeros_like(mask))


def test_holes_are_filled_before_parts_are_compared():
    ring = np.zeros((9, 14), bool)
    ring[1:6, 1:6], ring[2:5, 2:5] = True, False  # 16 pixels, 25 with its hole
    ring[1:5, 8:13] = True  # 20 pixels
    kept = ClassFilter(fill_holes=True, keep_largest=1).apply(encode(ring), ring.shape)
    assert decode(kept, ring.shape)[1:6, 1:6].all()
    assert decode(kept, ring.shape).sum() == 25
