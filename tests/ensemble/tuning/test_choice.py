"""How far classes go, on scores whose answer is known."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from ensemble.intervals import bootstrap_groups
from ensemble.tuning.choice import GAIN_LEVEL, Choice, choose, on_the_way, simple_rule
from ensemble.tuning.rules import Rules

GROUPS = list("aabbccddeeff")
BASE = np.full((12, 1), 0.5)
SWAYING = np.where(np.arange(12)[:, None] % 4 < 2, 0.4, -0.3)  # a gain of .05 that is not sure


def chosen(on_the_way, *, scores=BASE, seen=(True,)):
    return choose("shared", scores, on_the_way, GROUPS, seen=np.array(seen), seed=0)


def test_a_class_goes_as_far_as_its_gain_is_surest():
    found = chosen({0.25: BASE + 0.01, 0.5: BASE + 0.02, 1.0: BASE + SWAYING})
    assert found.shares.tolist() == [0.5]
    assert found.tuned.tolist() == [True]
    assert_allclose([found.gain.low, found.gain.mean, found.gain.high], 0.02)


def test_a_class_without_a_sure_gain_stays():
    found = chosen({0.5: BASE + SWAYING / 2, 1.0: BASE + SWAYING})
    assert found.shares.tolist() == [0.0]
    expected = bootstrap_groups(SWAYING / 2, GROUPS, level=GAIN_LEVEL, seed=0)
    assert_allclose(found.gain.low, expected.low)
    assert expected.low[0] < 0 < expected.mean[0]


def test_each_class_goes_its_own_way():
    scores = np.full((12, 3), 0.5)
    gains = {0.25: np.array([0.01, 0.03, -0.1]), 1.0: np.array([0.02, -0.1, -0.1])}
    way = {share: scores + gain for share, gain in gains.items()}
    found = chosen(way, scores=scores, seen=[True] * 3)
    assert found.shares.tolist() == [1.0, 0.25, 0.0]
    assert_allclose(found.gain.mean, [0.02, 0.03, -0.1])


def test_a_class_that_is_nowhere_is_not_tuned():
    found = chosen({1.0: BASE.repeat(2, 1) + 0.5}, scores=BASE.repeat(2, 1), seen=[True, False])
    assert found.tuned.tolist() == [True, False]


def test_members_weigh_the_same_unless_another_simple_rule_surely_gains():
    noise = np.random.default_rng(0).normal(0, 0.1, BASE.shape)
    scores = {"uniform": BASE, "best_single": BASE, "shared": BASE}
    gains = (0.0, "uniform"), (0.01, "uniform"), (0.1, "shared")
    for gain, expected in gains:
        found = scores | {"shared": BASE + noise - noise.mean() + gain}
        assert simple_rule(found, GROUPS, seed=0) == expected
    both = scores | {"best_single": BASE + 0.1, "shared": BASE + 0.2}
    assert simple_rule(both, GROUPS, seed=0) == "shared"


def test_a_choice_moves_weights_and_thresholds_along():
    simple = Rules(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0.5, 0.5]))
    own = Rules(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0.3, 0.9]))
    candidates = {"best_single": simple, "tuned": own}
    gain = bootstrap_groups(np.zeros((12, 2)), GROUPS, level=GAIN_LEVEL, seed=0)
    rules = Choice("best_single", np.array([0.25, 0.0]), gain).apply(candidates)
    assert_allclose(rules.weights, [[0.75, 0.25], [1, 0]])
    assert_allclose(rules.thresholds, [0.45, 0.5])
    halfway = on_the_way(candidates, simple="best_single", share=0.5)
    assert_allclose(halfway.weights, np.full((2, 2), 0.5))
    assert_array_equal(
        Choice("best_single", np.zeros(2), None).apply(candidates).weights, [[1, 0]] * 2
    )
