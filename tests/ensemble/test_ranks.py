import numpy as np
import pytest

from ensemble.ranks import rank_correlation, ranks


def test_equal_values_share_a_rank():
    assert ranks(np.array([5.0, 1.0, 5.0, 7.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_rank_correlation_is_that_of_ranks_with_ties_shared():
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([10.0, 20, 1000])) == pytest.approx(1)
    # ranks 1.5 1.5 3 4 and 1 2 3 4
    expected = np.corrcoef([1.5, 1.5, 3, 4], [1, 2, 3, 4])[0, 1]
    found = rank_correlation(np.array([5.0, 5, 6, 7]), np.array([1.0, 2, 3, 4]))
    assert found == pytest.approx(expected)
    assert np.isnan(rank_correlation(np.ones(3), np.arange(3.0)))
