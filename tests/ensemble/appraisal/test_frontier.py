from itertools import combinations

import numpy as np
import pytest

from ensemble.appraisal.frontier import Candidate, on_the_frontier, pair_gains, score_subsets
from ensemble.tuning.rules import spread
from noisy_members import PRESENT, statistic

NAMES = ("a", "b", "c")
SECONDS = np.array([0.3, 0.2, 0.1])


def test_subsets_that_know_all_classes_weigh_the_same():
    found = {each.name: each for each in score_subsets(statistic(), NAMES, SECONDS)}
    assert set(found) == {"a", "a + b", "a + c", "a + b + c"}
    rules = spread(np.array([0.5, 0, 0.5]), 0.5, PRESENT)
    assert found["a + c"].score == pytest.approx(statistic().scores(rules).mean())
    assert found["a + c"].seconds == pytest.approx(0.4)


def test_of_many_members_the_path_on_which_they_join_is_tried_too():
    one = statistic().for_members([0])
    many = one.for_members([0] * 8)
    found = score_subsets(many, [str(m) for m in range(8)], np.ones(8))
    sizes = sorted(len(each.name.split(" + ")) for each in found)
    assert sizes.count(1) == 8
    assert sizes.count(2) == len(list(combinations(range(8), 2)))
    assert {3, 4, 5, 6, 8} <= set(sizes)
    assert sizes.count(4) == 1


def test_on_the_frontier_nothing_is_faster_and_better():
    points = [("a", 0.5, 1.0), ("b", 0.7, 2.0), ("c", 0.6, 3.0), ("d", 0.7, 4.0), ("e", 0.8, 5.0)]
    found = on_the_frontier([Candidate(*point) for point in points])
    assert [each.name for each in found] == ["a", "b", "e"]


def test_pairs_gain_over_the_better_of_them():
    gains = pair_gains(statistic())
    alone = statistic().overlaps(spread(np.array([1.0, 0, 0]), 0.5, PRESENT))
    assert gains.shape == (3, 3)
    np.testing.assert_array_equal(gains, gains.T)
    np.testing.assert_array_equal(np.diag(gains), 0)
    both = spread(np.array([0.5, 0.5, 0]), 0.5, PRESENT)
    score = statistic().grading.scores(alone).mean()
    assert gains[0, 1] == pytest.approx(statistic().scores(both).mean() - score)
