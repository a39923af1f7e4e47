from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.data.folds import grouped_folds, hold_out, stratified_folds
from ensemble.errors import ConfigError, DataError

people = st.lists(st.integers(0, 12).map(lambda number: f"ID{number}"), min_size=1, max_size=60)


@given(people, st.integers(2, 6), st.integers(0, 2**32))
def test_folds_hold_whole_groups_and_are_level(groups, num_folds, seed):
    if len(set(groups)) < num_folds:
        with pytest.raises(DataError, match="fewer groups than folds"):
            grouped_folds(groups, num_folds, seed)
        return
    folds = grouped_folds(groups, num_folds, seed)
    assert len({(g, f) for g, f in zip(groups, folds.tolist(), strict=True)}) == len(set(groups))
    images = np.bincount(folds, minlength=num_folds)
    assert images.min() > 0
    # the last group that the fullest fold got found it the emptiest
    assert images.max() - images.min() <= max(groups.count(group) for group in groups)


@given(people, st.randoms(use_true_random=False), st.integers(0, 9))
def test_folds_do_not_depend_on_the_order_of_images(groups, random, seed):
    if len(set(groups)) < 2:
        return
    shuffled = groups.copy()
    random.shuffle(shuffled)
    first = dict(zip(groups, grouped_folds(groups, 2, seed).tolist(), strict=True))
    assert dict(zip(shuffled, grouped_folds(shuffled, 2, seed).tolist(), strict=True)) == first


@given(people, st.integers(2, 6), st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_stratified_folds_hold_whole_groups_whatever_their_order(groups, num_folds, seed, random):
    traits = np.random.default_rng(seed).random((len(groups), 3)) < 0.3
    if len(set(groups)) < num_folds:
        with pytest.raises(DataError, match="fewer groups than folds"):
            stratified_folds(groups, traits, num_folds, seed)
        return
    folds = stratified_folds(groups, traits, num_folds, seed)
    first = dict(zip(groups, folds.tolist(), strict=True))
    assert [first[group] for group in groups] == folds.tolist()
    assert set(folds.tolist()) == set(range(num_folds))
    order = list(range(len(groups)))
    random.shuffle(order)
    again = stratified_folds([groups[i] for i in order], traits[order], num_folds, seed)
    assert again.tolist() == folds[order].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_every_fold_has_its_share_of_every_trait(seed):
    """100 people with two images each, a tenth of them bent, half female: as in the contest."""
    groups = [f"ID{i // 2}" for i in range(200)]
    person = np.arange(200) // 2
    traits = np.stack([person % 10 == 0, person % 2 == 0, person % 2 == 1], axis=1)
    traits = np.column_stack([traits, np.arange(200) % 2 == 0])
    folds = stratified_folds(groups, traits, 5, seed)
    shares = np.array([[traits[folds == f, k].sum() for f in range(5)] for k in range(4)])
    assert (np.bincount(folds) == 40).all()
    np.testing.assert_array_equal(shares, [[4] * 5, [20] * 5, [20] * 5, [20] * 5])
    drawn = grouped_folds(groups, 5, seed)
    assert np.ptp([traits[drawn == f, 0].sum() for f in range(5)]) > 0


def test_pairs_of_hands_fill_folds_evenly():
    groups = [f"ID{n // 2:03}" for n in range(800)]
    assert np.bincount(grouped_folds(groups, 5, 0)).tolist() == [160] * 5


def test_large_groups_are_placed_first():
    groups = ["large"] * 10 + [f"small {n}" for n in range(10)]
    for seed in range(20):
        assert np.bincount(grouped_folds(groups, 2, seed)).tolist() == [10, 10]


def test_the_seed_decides():
    groups = [f"ID{n}" for n in range(40)]
    first = grouped_folds(groups, 4, 1)
    np.testing.assert_array_equal(first, grouped_folds(groups, 4, 1))
    assert (first != grouped_folds(groups, 4, 2)).any()


def test_one_fold_is_no_split():
    with pytest.raises(ConfigError, match="two folds or more: got 1"):
        grouped_folds(["a", "b"], 1, 0)


def test_train_and_val_are_views(hands, hand_folds):
    train, val = hold_out(hands, hand_folds, 1)
    assert (len(train.samples), len(val.samples)) == (8, 4)
    assert {s.group for s in train.samples}.isdisjoint(s.group for s in val.samples)
    assert sorted(s.name for s in (*train.samples, *val.samples)) == [s.name for s in hands.samples]
    assert val.read_label(val.samples[0]).planes.all()


def test_no_such_fold(hands, hand_folds):
    with pytest.raises(ConfigError, match="no such fold: expected one of 0, 1, 2, got 3"):
        hold_out(hands, hand_folds, 3)


# --- the file
