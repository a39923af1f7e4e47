"""Images weighted to resemble others, where the density ratio is known."""

import numpy as np
import pytest

from ensemble.errors import DataError
from ensemble.tuning.shift import LEAST_EFFECTIVE, describe, match


def groups_of(count):
    return [f"p{i // 2}" for i in range(count)]


def test_images_that_are_rare_here_and_common_there_count_more():
    """One of ten images is of the kind that is every second one of the others."""
    rng = np.random.default_rng(0)
    kinds = np.arange(200) % 10 == 0
    ours = rng.normal(0, 1, (200, 12))
    ours[:, :6] += 3 * kinds[:, None]
    theirs = rng.normal(0, 1, (300, 12))
    theirs[::2, :6] += 3
    shift = match(ours, theirs, groups_of(200), folder="test", seed=0)
    assert shift.weights.mean() == pytest.approx(1)
    # the density ratio is .5 / .1 for them and .5 / .9 for the others
    assert shift.weights[kinds].mean() == pytest.approx(5, rel=0.25)
    assert shift.weights[~kinds].mean() == pytest.approx(0.556, rel=0.25)
    assert 40 < shift.effective_images < 120
    assert shift.is_found


def test_where_nothing_differs_all_count_the_same():
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        ours, theirs = rng.normal(0, 1, (60, 30)), rng.normal(0, 1, (80, 30))
        found.append(match(ours, theirs, groups_of(60), folder="test", seed=0))
    assert np.mean([shift.is_found for shift in found]) <= 0.2
    assert np.mean([shift.effective_images for shift in found]) > 55
    same = match(np.ones((20, 4)), np.ones((30, 4)), groups_of(20), folder="test", seed=0)
    assert not same.is_found
    np.testing.assert_allclose(same.weights, 1)


def test_too_few_that_resemble_are_refused():
    rng = np.random.default_rng(0)
    ours, theirs = rng.normal(0, 1, (100, 5)), rng.normal(0, 1, (100, 5))
    ours[:3] += 4
    theirs += 4
    with pytest.raises(DataError, match=rf"those of test.* {LEAST_EFFECTIVE} images .* of 100"):
        match(ours, theirs, groups_of(100), folder="test", seed=0)


def test_features_follow_pose_and_brightness_and_not_resolution():
    rows, columns = np.mgrid[:60, :80]
    plane = np.zeros((60, 80), np.uint8)
    plane[np.abs((rows - 30) - (columns - 40)) < 6] = 250  # a diagonal band
    dark = np.full((120, 160, 3), 50, np.uint8)
    features = describe(dark, [plane])
    finer = describe(dark, [plane.repeat(2, 0).repeat(2, 1)])
    np.testing.assert_allclose(finer, features, atol=1e-3)
    mirrored = describe(dark, [plane[:, ::-1]])
    assert features[-1] > 0.1  # from the top left to the bottom right
    assert mirrored[-1] == pytest.approx(-features[-1], abs=0.02)
    assert describe(dark * 4, [plane])[2] == pytest.approx(4 * features[2], rel=1e-5)
    deep = describe(dark.astype(np.uint16) * 257, [plane])
    np.testing.assert_allclose(deep, features, atol=1e-5)
    empty = describe(dark, [np.zeros_like(plane)])
    assert empty[-5:].tolist() == [0, 0.5, 0.5, 0, 0]
