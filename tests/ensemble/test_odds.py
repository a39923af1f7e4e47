import numpy as np
import pytest

from ensemble.odds import out_of_fold_odds


def test_odds_are_those_of_the_density_ratio():
    """Two normal distributions whose means are 2 apart: the log odds are 2 x - 2."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 1, (2000, 1)), rng.normal(2, 1, (2000, 1))])
    is_other = np.repeat([False, True], 2000)
    odds = out_of_fold_odds(points, is_other, np.arange(4000) % 5)
    middle = np.abs(points[:, 0] - 1) < 1.5
    np.testing.assert_allclose(np.log(odds[middle]), 2 * points[middle, 0] - 2, atol=0.4)


def test_no_point_is_judged_by_a_classifier_that_saw_its_fold():
    points = np.eye(40)  # a feature for each point: who saw it knows it
    is_other = np.arange(40) % 2 == 0
    odds = out_of_fold_odds(points, is_other, np.arange(40) // 2 % 5)
    assert odds == pytest.approx(np.ones(40))
