from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.errors import MemberError
from ensemble.maps.masks import argmax_runs, maps_to_runs
from ensemble.runs.rle import decode, encode
from strategies import grids, sizes

pytestmark = pytest.mark.kernel
TOLERANCE = 1e-5


def full_size(maps, size):
    return sum(
        np.stack([reference.interpolate(plane.astype(np.float64), size) for plane in grid])
        for grid in maps
    )


@given(grids(3), sizes, st.floats(0.05, 0.95))
def test_thresholded_runs_equal_the_float64_map_where_it_is_not_at_the_threshold(maps, size, t):
    limits = np.array([t, 0.5, 0.9])
    dense = full_size(maps, size)
    for plane, limit, runs in zip(dense, limits, maps_to_runs(maps, limits, size), strict=True):
        mask = decode(runs, size)
        assert (encode(mask) == runs).all()
        assert ((mask == (plane > limit)) | (np.abs(plane - limit) < TOLERANCE)).all()


@given(grids(4), sizes)
def test_argmax_runs_partition_the_image_as_the_float64_map_does(maps, size):
    dense = full_size(maps, size)
    masks = np.stack([decode(runs, size) for runs in argmax_runs(maps, size)])
    assert (masks.sum(0) == 1).all()
    ordered = np.sort(dense, axis=0)
    clear = ordered[-1] - ordered[-2] > TOLERANCE
    assert (masks.argmax(0) == dense.argmax(0))[clear].all()


def test_of_equal_values_the_first_class_wins():
    runs = argmax_runs([np.full((3, 2, 2), 0.25, np.float32)], (5, 7))
    assert [len(mask) for mask in runs] == [1, 0, 0]


@pytest.mark.parametrize("size", [(4, 4), (9, 7), (40, 37)])
@pytest.mark.parametrize("zeros", [(-0.0, 0.0), (0.0, -0.0), (-0.0, -0.0, 0.0)])
def test_a_negative_zero_equals_a_positive_one(zeros, size):
    maps = np.stack([np.full((4, 4), zero, np.float32) for zero in zeros])
    first, *others = argmax_runs([maps], size)
    assert first.tolist() == [[0, size[0] * size[1]]]
    assert [len(mask) for mask in others] == [0] * (len(zeros) - 1)


@given(st.integers(0, 2**32))
def test_zeros_of_both_signs_tie_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    levels = rng.integers(-1, 2, (3, 4, 6)) / 4 * rng.choice([1.0, -1.0], (3, 4, 6))
    maps = [levels.astype(np.float32)]
    dense = full_size(maps, (32, 48))
    masks = np.stack([decode(runs, (32, 48)) for runs in argmax_runs(maps, (32, 48))])
    assert (masks.argmax(0) == dense.argmax(0)).all()


def test_the_threshold_is_strict():
    flat = np.full((1, 4, 4), 0.5, np.float32)
    assert len(maps_to_runs([flat], np.array([0.5]), (9, 9))[0]) == 0
    assert maps_to_runs([flat], np.array([0.4999]), (9, 9))[0].tolist() == [[0, 81]]


def test_runs_go_on_across_rows():
    plane = np.zeros((1, 4, 4), np.float32)
    plane[0, 1, 2:] = plane[0, 2, :2] = 1
    assert maps_to_runs([plane], np.array([0.5]), (4, 4))[0].tolist() == [[6, 4]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [(4, 4), (9, 7)])
def test_a_map_that_is_not_finite_is_refused(bad, size):
    maps = np.zeros((2, 4, 4), np.float32)
    maps[1, 2, 3] = bad
    with pytest.raises(MemberError, match="not finite"):
        maps_to_runs([maps], np.array([0.5, 0.5]), size)
    with pytest.raises(MemberError, match="not finite"):
        argmax_runs([maps], size)


@given(grids(3), sizes)
def test_negative_values_as_of_logits_are_thresholded_alike(maps, size):
    maps = [8 * grid - 4 for grid in maps]
    limits = np.array([-1.5, 0.0, 2.0])
    dense = full_size(maps, size)
    for plane, limit, runs in zip(dense, limits, maps_to_runs(maps, limits, size), strict=True):
        mask = decode(runs, size)
        assert ((mask == (plane > limit)) | (np.abs(plane - limit) < TOLERANCE)).all()


def test_a_pool_of_threads_gives_the_same_runs():
    rng = np.random.default_rng(0)
    maps = [rng.random((5, 8, 6), np.float32), rng.random((5, 3, 11), np.float32)]
    limits = np.full(5, 1.0)
    with ThreadPoolExecutor(3) as pool:
        threaded = maps_to_runs(maps, limits, (33, 21), mapper=pool.map)
    for a, b in zip(maps_to_runs(maps, limits, (33, 21)), threaded, strict=True):
        assert (a == b).all()


@given(st.integers(0, 2**32))
def test_ties_of_plain_fractions_go_to_the_first_class_pixel_by_pixel(seed):
    # quarters interpolated at a factor of 2 are exact in float32, so equal is equal
    levels = np.random.default_rng(seed).integers(0, 5, (4, 3, 5))
    maps = [(levels / 4).astype(np.float32)]
    dense = full_size(maps, (6, 10))
    masks = np.stack([decode(runs, (6, 10)) for runs in argmax_runs(maps, (6, 10))])
    assert (masks.argmax(0) == dense.argmax(0)).all()
    above = [decode(runs, (6, 10)) for runs in maps_to_runs(maps, np.full(4, 0.5), (6, 10))]
    assert (np.stack(above) == (dense > 0.5)).all()
