"""Members that join an ensemble one after the other, against subsets scored by hand."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from noisy_disks import simulate

from ensemble.errors import ConfigError
from ensemble.metrics import Grading
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


def knowing(statistic, present):
    """The statistic of members that know only some classes."""
    values = statistic.values.copy()
    for u, (first, last) in enumerate(pairwise(statistic.offsets)):
        values[~present[u % len(present)], first:last] = 0
    return replace(statistic, values=values, present=present)


def test_a_member_that_alone_knows_a_class_takes_part(statistic):
    present = np.array([[True, True, False, True], [False, False, True, False]])
    partial = knowing(statistic, present)
    assert 2 in choose(partial, Limits(2)).kept
    with pytest.raises(ConfigError, match=r"all classes .*at most 1 member,"):
        choose(partial, Limits(1))


def test_one_member_that_knows_all_is_found_behind_better_ones(statistic):
    partial = knowing(statistic, np.array([[True] * 4, [False, False, True, False]]))
    assert choose(partial, Limits(1)).kept == [2]
    assert choose(partial, Limits(seconds=0.6)).kept == [2]


def test_what_nobody_knows_is_predicted_nowhere(statistic):
    partial = knowing(statistic, np.array([[True] * 4, [False, False, True, False]]))
    found = choose(partial)
    empty = 1e-4 / (partial.decided[1::2, 2] + 1e-4)
    for m in (0, 1, 3):
        weights = np.zeros(4)
        weights[m] = 1
        own = partial.scores(spread(weights, DEFAULT_THRESHOLD, partial.present))[:, 0]
        assert found.alone[m] == pytest.approx((own + empty).mean() / 2)
    assert found.loss_without.mean[2] > 0.2
    assert found.loss_without.mean.argmax() == 2


def test_under_weights_a_path_is_graded_as_the_folds_are(statistic):
    weights = np.linspace(0.2, 1.8, NUM_IMAGES)
    weighted = statistic.graded(Grading(image_weights=weights))
    found = choose(weighted)
    everyone = np.arange(NUM_IMAGES)
    overlaps = np.empty((NUM_IMAGES, 2, 3), np.int64)
    for fold in range(3):
        others = everyone[fold != FOLDS]

        def score(subset, images=others):
            return weighted.grading.scores(counted(weighted, subset)[images], images).mean()

        first = max(range(4), key=lambda m: score([m]))
        second = max(set(range(4)) - {first}, key=lambda m: score([first, m]))
        overlaps[fold == FOLDS] = counted(weighted, [first, second])[fold == FOLDS]
    np.testing.assert_allclose(found.path_scores[1], weighted.grading.scores(overlaps).mean(axis=1))


def counted(statistic, subset):
    weights = np.zeros(4)
    weights[list(subset)] = 1 / len(subset)
    return statistic.overlaps(spread(weights, DEFAULT_THRESHOLD, statistic.present))


def test_limits_that_nothing_keeps_are_said(statistic):
    with pytest.raises(ConfigError, match=r"at most 0\.1 s an image, got 4 members, .* 0\.5 s"):
        choose(statistic, Limits(seconds=0.1))


def test_a_single_member_has_nothing_to_lose(statistic):
    found = choose(statistic.for_members([1]), seconds=SECONDS[:1])
    assert found.loss_without is None
    assert found.kept == [0]
