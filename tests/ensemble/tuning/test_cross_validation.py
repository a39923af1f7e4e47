from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from noisy_disks import simulate

from ensemble.errors import DataError
from ensemble.progress import silent
from ensemble.tuning.candidates import Fitter
from ensemble.tuning.choice import SHARES, choose, on_the_way, simple_rule
from ensemble.tuning.cross_validation import cross_validate


def own_groups(statistic) -> list[str]:
    return [f"person {i}" for i in range(statistic.num_images)]


def validate(statistic, groups=None, num_folds=4, seed=0):
    groups = own_groups(statistic) if groups is None else groups
    return cross_validate(statistic, groups, num_folds=num_folds, seed=seed, progress=silent)


def test_equal_noisy_members_keep_the_simple_rule():
    found = validate(simulate(np.full((3, 3), 3.0)))
    assert found.choice.tuned.sum() <= 1
    assert found.kept.mean() >= found.scores["uniform"].mean() - 0.002


def test_a_member_that_is_good_at_one_class_alone_is_kept_there():
    noise = np.full((3, 3), 3.0)
    noise[1] = [0.3, 9.0, 9.0]
    found = validate(simulate(noise))
    assert found.choice.tuned[1]
    assert found.rules.weights[1, 0] > 0.6
    assert found.choice.gain.low[1] > 0.01
    assert found.kept.mean() > found.scores[found.choice.simple].mean() + 0.005


def test_the_best_single_member_is_kept_where_the_others_only_harm():
    found = validate(simulate([[0.2, 12.0, 12.0]] * 2))
    assert found.choice.simple in ("best_single", "shared")
    assert found.rules.weights[:, 0].min() > 0.8
    assert found.scores["uniform"].mean() < found.kept.mean()


def test_every_image_is_scored_by_fits_that_did_not_see_its_group():
    statistic = simulate(np.full((2, 2), 3.0), num_images=9)
    groups = [str(i // 3) for i in range(9)]
    found = validate(statistic, groups)
    assert len(set(found.folds)) == 3
    first = np.flatnonzero(found.folds == 0)
    decided = statistic.decided.copy()
    counts = statistic.counts.copy()
    for u in (first[:, None] * 2 + np.arange(2)).ravel():  # spoil the truth of fold 0
        counts[1, statistic.offsets[u] : statistic.offsets[u + 1]] = 0
        decided[u, 1:] = [0, 1]
    spoiled = replace(statistic, counts=counts, decided=decided)
    fits = []
    for other in (statistic, spoiled):
        images = np.flatnonzero(found.folds != 0)
        fits.append(Fitter(other).fit(images, seed=0)["tuned"])
    np.testing.assert_array_equal(fits[0].weights, fits[1].weights)
    np.testing.assert_array_equal(found.scores["tuned"][first], statistic.scores(fits[1], first))


def test_groups_stay_together():
    groups = [f"person {i // 4}" for i in range(24)]
    found = validate(simulate(np.full((1, 2), 2.0), num_images=24), groups)
    for group in set(groups):
        assert len({f for f, g in zip(found.folds, groups, strict=True) if g == group}) == 1


def test_it_is_the_same_for_the_same_seed():
    statistic = simulate(np.full((2, 2), 3.0), num_images=8)
    first, second = validate(statistic, seed=5), validate(statistic, seed=5)
    np.testing.assert_array_equal(first.rules.weights, second.rules.weights)
    np.testing.assert_array_equal(first.kept, second.kept)


def test_few_groups_are_a_fold_each():
    statistic = simulate(np.full((2, 2), 3.0), num_images=6)
    three = validate(statistic, list("aabbcc"), num_folds=5)
    assert sorted(np.bincount(three.folds)) == [2, 2, 2]
    assert three.kept is not None
    two = validate(statistic, list("aaabbb"))
    assert two.kept is None
    assert two.scores["tuned"].shape == (6, 2)


def test_one_group_is_refused_with_a_remedy():
    statistic = simulate(np.full((1, 2), 3.0), num_images=3)
    with pytest.raises(DataError, match=r"3 images of 1 .*--groups"):
        validate(statistic, ["a", "a", "a"])


def test_the_raw_optimum_is_taken_by_every_class_and_scored_out_of_fold():
    statistic = simulate(np.full((3, 3), 3.0))
    found = validate(statistic)
    raw = found.with_raw_optimum(own_groups(statistic), seed=0)
    np.testing.assert_array_equal(raw.rules.weights, found.candidates["tuned"].weights)
    np.testing.assert_array_equal(raw.rules.thresholds, found.candidates["tuned"].thresholds)
    np.testing.assert_array_equal(raw.kept, found.scores["tuned"])
    gain = found.scores["tuned"] - found.scores[found.choice.simple]
    np.testing.assert_allclose(raw.choice.gain.mean, gain.mean(axis=0))


def test_the_score_of_what_is_kept_saw_neither_choice_nor_fit():
    statistic = simulate([[0.3, 9.0], [3.0, 3.0]], num_images=12)
    groups = own_groups(statistic)
    found = validate(statistic, groups, num_folds=3)
    held = np.flatnonzero(found.folds == 1)
    others = np.flatnonzero(found.folds != 1)
    scores = {name: np.empty((12, 2)) for name in ("uniform", "best_single", "shared")}
    fits = {
        fold: Fitter(statistic).fit(np.flatnonzero(~np.isin(found.folds, [1, fold])), seed=0)
        for fold in (0, 2)
    }
    for fold, fit in fits.items():
        images = np.flatnonzero(found.folds == fold)
        for name, dice in scores.items():
            dice[images] = statistic.scores(fit[name], images)
    of_others = {name: dice[others] for name, dice in scores.items()}
    simple = simple_rule(of_others, [groups[i] for i in others], seed=0)
    way = {}
    for share in SHARES:
        dice = np.empty((12, 2))
        for fold, fit in fits.items():
            images = np.flatnonzero(found.folds == fold)
            dice[images] = statistic.scores(on_the_way(fit, simple=simple, share=share), images)
        way[share] = dice[others]
    choice = choose(
        simple,
        scores[simple][others],
        way,
        [groups[i] for i in others],
        seen=np.array([True, True]),
        seed=0,
    )
    rules = choice.apply(Fitter(statistic).fit(others, seed=0))
    np.testing.assert_array_equal(found.kept[held], statistic.scores(rules, held))


def test_images_with_a_class_are_counted():
    statistic = simulate([[3.0, 3.0], [3.0, 3.0]], num_images=8)
    counts, decided = statistic.counts.copy(), statistic.decided.copy()
    for u in range(1, 16, 2):
        counts[1, statistic.offsets[u] : statistic.offsets[u + 1]] = 0
        decided[u, 1:] = 0
    found = validate(replace(statistic, counts=counts, decided=decided))
    assert found.num_seen.tolist() == [8, 0]
