from __future__ import annotations

import numpy as np
import pytest

from ensemble.errors import DataError
from ensemble.intervals import SCORES, bootstrap_groups, known_mean

ANY = (-np.inf, np.inf)


def test_the_interval_of_single_images_is_that_of_theory():
    values = np.random.default_rng(0).normal(3.0, 2.0, (200, 1))
    found = bootstrap_groups(values, [str(i) for i in range(200)], level=0.9, seed=0, limits=ANY)
    half = 1.645 * values.std(ddof=1) / np.sqrt(200)
    assert found.mean[0] == pytest.approx(values.mean())
    assert found.low[0] == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high[0] == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_images_that_repeat_each_other_within_a_group_do_not_narrow_it():
    values = np.random.default_rng(1).normal(size=(20, 2))
    groups = [str(i) for i in range(20)]
    once = bootstrap_groups(values, groups, level=0.9, seed=0)
    often = bootstrap_groups(np.repeat(values, 5, 0), np.repeat(groups, 5), level=0.9, seed=0)
    np.testing.assert_allclose(once.low, often.low)
    np.testing.assert_allclose(once.high, often.high)


def test_it_is_widened_for_few_groups():
    """Two groups at -1 and 1: a quarter of the draws each takes one of them twice."""
    found = bootstrap_groups(np.array([[-1.0], [1.0]]), ["a", "b"], level=0.9, seed=0, limits=ANY)
    assert [found.low[0], found.mean[0], found.high[0]] == pytest.approx([-(2**0.5), 0, 2**0.5])


def test_it_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        values = np.random.default_rng(seed).normal(size=(8, 1))
        found = bootstrap_groups(values, list("abcdefgh"), level=0.9, seed=seed)
        covered += bool(found.low[0] <= 0 <= found.high[0])
    assert 160 <= covered <= 196


def test_it_ends_where_scores_end():
    values = np.array([[1.0], [1.0], [0.5], [0.0]])
    found = bootstrap_groups(values, list("abcd"), level=0.95, seed=0, limits=SCORES)
    free = bootstrap_groups(values, list("abcd"), level=0.95, seed=0, limits=ANY)
    assert free.high[0] > 1 > free.low[0] > 0
    assert (found.low[0], found.high[0]) == (free.low[0], 1.0)


def test_it_is_the_same_for_the_same_seed():
    values = np.random.default_rng(2).normal(size=(9, 3))
    first, second = (bootstrap_groups(values, list("aabbccdde"), level=0.9, seed=4) for _ in "ab")
    np.testing.assert_array_equal(first.low, second.low)


def test_one_group_is_refused():
    with pytest.raises(DataError, match="two groups or more: got 1"):
        bootstrap_groups(np.zeros((3, 1)), ["a", "a", "a"], level=0.9, seed=0)


def test_what_is_undefined_is_no_part_of_a_mean():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]])
    np.testing.assert_array_equal(known_mean(values), [2, 5, np.nan])
    np.testing.assert_array_equal(known_mean(values, 1), [1, 4])
