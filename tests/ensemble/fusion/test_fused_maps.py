"""The sums of soft maps, without networks: against the formula in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from ensemble.classes import ClassList
from ensemble.fusion.fused_maps import FusedMaps, FusedRows, plan_shares
from ensemble.fusion.inference import Piece
from ensemble.fusion.weights import FusionWeights
from ensemble.fusion_space import limits_of

NAMES = ("left", "right", "spine", "skin")
CPU = torch.device("cpu")
TOLERANCE = 1e-6
seeds = st.integers(0, 2**32)


def some_members(rng, *, most=5):
    """Class lists in any order, with classes missing and more than are asked for; one has all."""
    lists = [ClassList(tuple(rng.permutation([*NAMES, "other"])))]
    for _ in range(int(rng.integers(0, most))):
        names = rng.permutation([*NAMES, "other", "more"])
        lists.append(ClassList(tuple(names[: rng.integers(1, len(names) + 1)])))
    return lists


def some_weights(rng, lists):
    """Weights of which some are 0; every class has one."""
    has = np.array([[name in classes.names for name in NAMES] for classes in lists])
    weights = rng.random(has.shape) * has * (rng.random(has.shape) < 0.8)
    weights[0] = rng.random(len(NAMES)) + 0.1
    names = tuple(f"m{i}" for i in range(len(lists)))
    return FusionWeights(names, (None,) * len(lists), NAMES, weights, np.full(len(NAMES), 0.5))


def some_maps(rng, lists, grids):
    return [rng.random((len(classes), *grids[i]), np.float32) for i, classes in enumerate(lists)]


def fuse(maps, weights, lists):
    """The engine's sums by grid."""
    fused = FusedMaps(len(weights.class_names))
    for member, share in zip(maps, plan_shares(weights, lists), strict=True):
        if len(share):
            fused.add(torch.from_numpy(member.copy()), share)
    return {grid.shape[1:]: grid for grid in fused.result()}


def dense_sums(maps, weights, lists):
    """Class by class and member by member in float64, each channel looked up by its name."""
    sums = {}
    total = weights.weights.sum(0)
    for m, (member, classes) in enumerate(zip(maps, lists, strict=True)):
        for c, name in enumerate(weights.class_names):
            if weights.weights[m, c] > 0:
                grid = member.shape[1:]
                plane = sums.setdefault(grid, np.zeros((len(NAMES), *grid)))[c]
                share = weights.weights[m, c] / total[c]
                plane += share * member[classes.names.index(name)].astype(np.float64)
    return sums


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for grid, sums in ours.items():
        assert_allclose(sums, theirs[grid], rtol=0, atol=TOLERANCE)


@given(seeds)
def test_sums_are_those_of_classes_matched_by_name_on_each_grid(seed):
    rng = np.random.default_rng(seed)
    lists = some_members(rng)
    grids = [((3, 5), (7, 2))[rng.integers(2)] for _ in lists]
    weights, maps = some_weights(rng, lists), some_maps(rng, lists, grids)
    assert_same(fuse(maps, weights, lists), dense_sums(maps, weights, lists))


@given(seeds, st.sampled_from([1e-3, 0.3, 7, 1e6]))
def test_neither_the_order_of_members_nor_the_scale_of_weights_matters(seed, scale):
    rng = np.random.default_rng(seed)
    lists = some_members(rng)
    weights, maps = some_weights(rng, lists), some_maps(rng, lists, [(4, 6)] * len(lists))
    order = rng.permutation(len(lists))
    turned = replace(
        weights,
        members=tuple(weights.members[i] for i in order),
        weights=weights.weights[order] * scale * np.array([1, 2, 0.5, 3]),
    )
    ours = fuse(maps, weights, lists)
    assert_same(fuse([maps[i] for i in order], turned, [lists[i] for i in order]), ours)


@pytest.mark.parametrize("weight", [1.0, 0.3, 29.0])
def test_one_member_is_identity_to_the_bit(weight):
    rng = np.random.default_rng(0)
    lists = [ClassList(NAMES)]
    weights = replace(some_weights(rng, lists), weights=np.full((1, len(NAMES)), weight))
    maps = some_maps(rng, lists, [(5, 3)])
    assert_array_equal(fuse(maps, weights, lists)[5, 3], maps[0])


@given(seeds)
def test_sums_that_leave_the_device_between_members_are_the_same(seed):
    rng = np.random.default_rng(seed)
    lists = some_members(rng)
    weights, maps = some_weights(rng, lists), some_maps(rng, lists, [(4, 6)] * len(lists))
    fused = FusedMaps(len(NAMES))
    for member, share in zip(maps, plan_shares(weights, lists), strict=True):
        fused.add(torch.from_numpy(member.copy()), share)
        fused.to_cpu()
    assert_same({(4, 6): fused.result()[0]}, fuse(maps, weights, lists))


@given(seeds)
def test_rows_taken_as_soon_as_they_are_whole_equal_the_dense_sum(seed):
    rng = np.random.default_rng(seed)
    height, width, held = int(rng.integers(1, 20)), int(rng.integers(1, 12)), 6
    lists = some_members(rng, most=3)
    shares = plan_shares(some_weights(rng, lists), lists)
    dense = np.zeros((len(NAMES), height, width))
    fused, taken, top = FusedRows(len(NAMES), min(held, height), width, CPU), [], 0
    while top < height:
        for _ in range(int(rng.integers(0, 4))):
            m = int(rng.integers(len(lists)))
            maps, first = some_piece(rng, len(lists[m]), (top, min(top + held, height)), width)
            fused.add(Piece(torch.from_numpy(maps), *first, torch.ones(maps.shape[1:])), shares[m])
            add_dense(dense, maps, first, shares[m])
        end = min(top + int(rng.integers(1, held + 1)), height)
        taken.append(fused.take(end))
        assert taken[-1].shape == (len(NAMES), end - top, width)
        top = end
    assert_allclose(np.concatenate(taken, axis=1), dense, rtol=0, atol=TOLERANCE)


def some_piece(rng, num_channels, rows, width):
    """A map somewhere in a range of rows, and its first row and column."""
    top, left = int(rng.integers(*rows)), int(rng.integers(width))
    h, w = int(rng.integers(1, rows[1] - top + 1)), int(rng.integers(1, width - left + 1))
    return rng.random((num_channels, h, w), np.float32), (top, left)


def add_dense(total, maps, first, share):
    place = total[:, first[0] : first[0] + maps.shape[1], first[1] : first[1] + maps.shape[2]]
    for channel, c, weight in zip(share.channels, share.classes, share.weights, strict=True):
        place[c] += weight.item() * maps[channel].astype(np.float64)


def test_what_was_taken_does_not_change_with_what_is_added_later():
    lists = [ClassList(NAMES)]
    (share,) = plan_shares(some_weights(np.random.default_rng(0), lists), lists)
    fused = FusedRows(len(NAMES), 3, 2, CPU)
    fused.add(Piece(torch.ones(4, 2, 2), 0, 0, torch.ones(2, 2)), share)
    rows = fused.take(1)
    fused.add(Piece(torch.ones(4, 3, 2), 1, 0, torch.ones(3, 2)), share)
    assert_array_equal(rows, np.ones((4, 1, 2)))
    assert_array_equal(fused.take(4)[0], [[2, 2], [1, 1], [1, 1]])


def test_thresholds_of_probabilities_become_their_log_odds_where_logits_are_summed():
    thresholds = np.array([0.5, 0.25, 0.9])
    assert_array_equal(limits_of(thresholds, "prob"), thresholds)
    assert_allclose(limits_of(thresholds, "logit"), [0, -np.log(3), np.log(9)], atol=1e-12)
