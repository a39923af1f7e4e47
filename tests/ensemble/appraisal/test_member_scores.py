import numpy as np

from ensemble.appraisal.member_scores import score_members
from ensemble.tuning.rules import Rules, spread
from noisy_members import PRESENT, rules, statistic


def test_members_alone_are_those_of_one_weight_and_lack_what_they_do_not_know():
    found = score_members(statistic(), rules())
    for m in range(3):
        expected = statistic().scores(spread(np.eye(3)[m], 0.5, PRESENT))
        known = PRESENT[:, m]
        np.testing.assert_array_equal(found.alone[m][:, known], expected[:, known])
        assert np.isnan(found.alone[m][:, ~known]).all()


def test_without_a_member_the_others_keep_their_weights():
    found = score_members(statistic(), rules())
    kept = Rules(np.array([[0, 0.6, 0.4], [0, 1, 0], [1, 0, 0]]), rules().thresholds)
    expected = statistic().scores(kept)
    np.testing.assert_array_equal(found.without[0][:, :2], expected[:, :2])
    assert np.isnan(found.without[0][:, 2]).all()
    np.testing.assert_array_equal(found.without[1][:, 2], found.together[:, 2])
    np.testing.assert_array_equal(found.losses[1], found.together - found.without[1])


def test_without_the_member_that_has_all_the_weight_the_others_share_it():
    weights = np.array([[1.0, 0, 0], [1, 0, 0], [1, 0, 0]])
    found = score_members(statistic(), Rules(weights, np.full(3, 0.5)))
    shared = Rules(np.array([[0, 0.5, 0.5], [0, 1, 0], [1, 0, 0]]), np.full(3, 0.5))
    np.testing.assert_array_equal(found.without[0][:, :2], statistic().scores(shared)[:, :2])


def test_a_member_alone_has_nobody_to_be_without():
    alone = statistic().for_members([0])
    found = score_members(alone, Rules(np.ones((3, 1)), np.full(3, 0.5)))
    assert np.isnan(found.without).all()
    np.testing.assert_array_equal(found.alone[0], found.together)
