"""Members that join an ensemble one after the other, against subsets scored by hand."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from noisy_disks import simulate

from ensemble.errors import ConfigError
from ensemble.tuning.member_choice import Limits, choose_members
from ensemble.tuning.rules import DEFAULT_THRESHOLD, spread

NUM_IMAGES = 18
FOLDS = np.arange(NUM_IMAGES) % 3
GROUPS = [f"p{i}" for i in range(NUM_IMAGES)]
SECONDS = np.array([1.0, 2.0, 0.5, 4.0])


@pytest.fixture(scope="module")
def statistic():
    noise = np.array([[2.0, 2.5, 7.0, 1.5], [3.0, 2.0, 9.0, 2.0]])
    return simulate(noise, num_images=NUM_IMAGES)


def choose(statistic, limits=None, seconds=SECONDS):
    return choose_members(
        statistic, FOLDS, GROUPS, seconds=seconds, limits=limits or Limits(), seed=0
    )


def dice_of(statistic, subset):
    weights = np.zeros(statistic.present.shape[1])
    weights[list(subset)] = 1 / len(subset)
    return statistic.scores(spread(weights, DEFAULT_THRESHOLD, statistic.present)).mean(axis=1)


def walk_by_hand(statistic, images):
    path = []
    while len(path) < 4:
        left = [m for m in range(4) if m not in path]
        path.append(max(left, key=lambda m: dice_of(statistic, [*path, m])[images].mean()))
    return path


def test_each_member_that_joins_is_the_one_that_helps_most(statistic):
    found = choose(statistic)
    assert list(found.path) == walk_by_hand(statistic, np.arange(NUM_IMAGES))
    assert found.path[0] == found.alone.argmax()
    np.testing.assert_allclose(
        found.alone, [dice_of(statistic, [m]).mean() for m in range(4)], atol=1e-12
    )


def test_the_dice_along_the_path_is_of_paths_that_did_not_see_the_fold(statistic):
    found = choose(statistic)
    for fold in range(3):
        inside = fold == FOLDS
        own = walk_by_hand(statistic, np.flatnonzero(~inside))
        for k in range(4):
            expected = dice_of(statistic, own[: k + 1])[inside]
            np.testing.assert_allclose(found.path_scores[k, inside], expected, atol=1e-12)
    assert found.num_kept == found.path_scores.mean(axis=1).argmax() + 1
    assert found.kept == sorted(found.path[: found.num_kept])


def test_what_all_lose_without_a_member(statistic):
    found = choose(statistic)
    for m in range(4):
        others = [other for other in range(4) if other != m]
        loss = (dice_of(statistic, range(4)) - dice_of(statistic, others)).mean()
        assert found.loss_without.mean[m] == pytest.approx(loss)
    assert found.loss_without.mean[2] < 0  # the noisy one


@pytest.mark.parametrize("limits", [Limits(2), Limits(seconds=3.0), Limits(3, 3.5), Limits(1, 1.0)])
def test_limits_are_kept(statistic, limits):
    found = choose(statistic, limits)
    kept = found.kept
    assert limits.members is None or len(kept) <= limits.members
    assert limits.seconds is None or SECONDS[kept].sum() <= limits.seconds
    allowed = [
        subset
        for size in range(1, 5)
        for subset in combinations(range(4), size)
        if limits.allow(SECONDS[list(subset)])
    ]
    best = max(dice_of(statistic, subset).mean() for subset in allowed)
    assert dice_of(statistic, kept).mean() > best - 0.01


def test_a_member_that_alone_knows_a_class_takes_part(statistic):
    present = np.ones((2, 4), bool)
    present[1] = [False, False, True, False]
    values = statistic.values.copy()
    for n in range(NUM_IMAGES):
        tuples = slice(*statistic.offsets[2 * n + 1 : 2 * n + 3])
        values[~present[1], tuples] = 0
    partial = replace(statistic, values=values, present=present)
    found = choose(partial, Limits(2))
    assert 2 in found.kept
    with pytest.raises(ConfigError, match=r"all classes .*at most 1 member,"):
        choose(partial, Limits(1))


def test_limits_that_nothing_keeps_are_said(statistic):
    with pytest.raises(ConfigError, match=r"at most 0\.1 s an image, got 4 members, .* 0\.5 s"):
        choose(statistic, Limits(seconds=0.1))


def test_a_single_member_has_nothing_to_lose(statistic):
    found = choose(statistic.for_members([1]), seconds=SECONDS[:1])
    assert found.loss_without is None
    assert found.kept == [0]
