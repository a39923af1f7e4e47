"""Algebra in run space, against numpy on decoded masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import reference
from ensemble.errors import ConfigError
from ensemble.runs.rle import decode, empty_runs, encode
from ensemble.runs.run_algebra import (
    complement,
    dice,
    difference,
    intersection,
    intersection_area,
    iou,
    symmetric_difference,
    union,
    vote,
    vote_rule,
)
from strategies import mask_stacks

pytestmark = pytest.mark.kernel
stacks = mask_stacks(max_classes=6)
decimals = st.integers(0, 30).map(lambda tenths: tenths / 10)


@given(stacks)
def test_sets_of_any_number_of_masks(masks):
    runs = [encode(mask) for mask in masks]
    assert_array_equal(union(*runs), encode(masks.any(0)))
    assert_array_equal(intersection(*runs), encode(masks.all(0)))
    assert_array_equal(complement(runs[0], masks.shape[1:]), encode(~masks[0]))


@given(stacks)
def test_sets_and_likeness_of_two_masks(masks):
    (a, b), size = masks[[0, -1]], masks.shape[1:]
    left, right = encode(a), encode(b)
    assert_array_equal(difference(left, right), encode(a & ~b))
    assert_array_equal(symmetric_difference(left, right), encode(a ^ b))
    assert intersection_area(left, right) == (a & b).sum()
    assert dice(left, right) == pytest.approx(reference.dice(a, b), abs=1e-12)
    assert iou(left, right) == ((a & b).sum() / (a | b).sum() if (a | b).any() else 1)
    assert_array_equal(complement(complement(left, size), size), left)


@given(stacks, st.data())
def test_votes_are_those_of_every_pixel_counted_exactly(masks, data):
    weights = data.draw(
        st.lists(decimals, min_size=len(masks), max_size=len(masks)).filter(lambda w: sum(w) > 0)
    )
    threshold = data.draw(st.integers(0, 9).map(lambda tenths: tenths / 10))
    found = vote([encode(mask) for mask in masks], vote_rule(weights, threshold))
    assert_array_equal(decode(found, masks.shape[1:]), reference.vote(masks, weights, threshold))
    assert (found[1:, 0] > found[:-1].sum(1)).all()


@given(stacks, st.permutations(range(6)), st.sampled_from([0.25, 3, 7]))
def test_votes_ignore_the_order_of_masks_and_the_scale_of_weights(masks, order, scale):
    weights = [1.0, 2.0, 0.5, 1.0, 3.0, 0.25][: len(masks)]
    order = [k for k in order if k < len(masks)]
    runs = [encode(mask) for mask in masks]
    other = vote_rule([weights[k] * scale for k in order])
    assert_array_equal(vote([runs[k] for k in order], other), vote(runs, vote_rule(weights)))


def cut_up(runs, seed):
    """The same pixels in runs that may touch: some of them in two."""
    rng = np.random.default_rng(seed)
    pieces = []
    for start, length in runs.tolist():
        first = int(rng.integers(1, length)) if length > 1 and rng.random() < 0.7 else length
        pieces.append((start, first))
        if first < length:
            pieces.append((start + first, length - first))
    return np.array(pieces, np.int64).reshape(-1, 2)


@given(stacks, st.integers(0, 2**32))
def test_no_result_has_runs_that_touch_whatever_the_masks_have(masks, seed):
    size = masks.shape[1:]
    whole = [encode(mask) for mask in masks]
    cut = [cut_up(runs, seed + k) for k, runs in enumerate(whole)]
    rule = vote_rule([1.0, 2.0, 0.5, 1.0, 3.0, 0.25][: len(masks)], 0.4)
    two = cut[0], cut[-1]
    a, b = masks[0], masks[-1]
    assert_array_equal(union(*cut), encode(masks.any(0)))
    assert_array_equal(intersection(*cut), encode(masks.all(0)))
    assert_array_equal(difference(*two), encode(a & ~b))
    assert_array_equal(symmetric_difference(*two), encode(a ^ b))
    assert_array_equal(complement(cut[0], size), encode(~a))
    assert_array_equal(vote(cut, rule), vote(whole, rule))
    assert intersection_area(*two) == (a & b).sum()
    assert dice(*two) == dice(whole[0], whole[-1])
    assert iou(*two) == iou(whole[0], whole[-1])


@given(stacks)
def test_one_voter_is_identity(masks):
    runs = encode(masks[0])
    assert_array_equal(vote([runs], vote_rule([0.3])), runs)
    assert_array_equal(vote([runs, runs], vote_rule([1, 2], 0.9)), runs)


@pytest.mark.parametrize(
    ("weights", "threshold", "wins"),
    [
        ((1, 1), 0.5, False),
        ((1, 1), 0.49, True),
        ((1, 3), 0.25, False),
        ((0.3, 0.1, 0.2), 0.5, False),  # in floats .1 + .2 is above .3
        ((1, 2), 0, True),
        ((0, 2), 0, False),
        ((1 / 3, 1 / 3, 1 / 3), 0.3, True),
    ],
)
def test_a_share_at_the_threshold_does_not_win(weights, threshold, wins):
    masks = [encode(np.ones((1, 3), bool)), *([empty_runs()] * (len(weights) - 1))]
    assert len(vote(masks, vote_rule(weights, threshold))) == wins


def test_no_masks_have_an_empty_union():
    assert_array_equal(union(), empty_runs())


@pytest.mark.parametrize(
    ("weights", "threshold", "what"),
    [
        ((1, -1), 0.5, "weights cannot be used"),
        ((0, 0), 0.5, "one of them above 0, got 0, 0"),
        ((), 0.5, "weights cannot be used"),
        ((1, float("nan")), 0.5, "weights cannot be used"),
        ((1, float("inf")), 0.5, "weights cannot be used"),
        ((1, 1e-19), 0.5, "too many digits"),
        ((1, 1), 1, "below 1, got 1"),
        ((1, 1), -0.1, "threshold"),
        ((1, 1), float("nan"), "threshold"),
    ],
)
def test_rules_that_make_no_sense_are_refused(weights, threshold, what):
    with pytest.raises(ConfigError, match=what):
        vote_rule(weights, threshold)
