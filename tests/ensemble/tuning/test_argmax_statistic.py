from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.bit_planes import Label, pack
from ensemble.kernels.line_sweep import NUM_CELLS
from ensemble.metrics import METRICS, Grading
from ensemble.tuning.argmax_statistic import ArgmaxBuilder, ArgmaxStatistic
from ensemble.tuning.rules import Rules
from ensemble.tuning.search import Line, search

pytestmark = pytest.mark.kernel

WHOLE = 255


def random_images(seed, num_images=2, num_classes=3, num_members=2, grid=None):
    """Maps of members that mostly see the truth; `grid` fixes their grids and the image size."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(num_images):
        size = grid or tuple(rng.integers(3, 14, 2))
        truth = rng.integers(0, num_classes, size)
        ignored = rng.random(size) < 0.1
        masks = np.stack([(truth == c) & ~ignored for c in range(num_classes)])
        maps = []
        for _ in range(num_members):
            shape = grid or tuple(rng.integers(1, 9, 2))
            probs = rng.dirichlet(np.full(num_classes, 0.5), shape).transpose(2, 0, 1)
            maps.append(np.rint(WHOLE * probs).astype(np.uint8))
        by_class = [[member[c] for member in maps] for c in range(num_classes)]
        images.append((by_class, Label(pack(masks), ignored), masks))
    return images


def build(images) -> ArgmaxStatistic:
    num_classes, num_members = len(images[0][0]), len(images[0][0][0])
    builder = ArgmaxBuilder(num_members, range(num_classes))
    for maps, label, _ in images:
        builder.add(maps, label)
    return builder.result()


def dense_dice(maps, label, masks, weights):
    planes = [
        sum(
            w * np.ceil(reference.interpolate(plane.astype(float), label.size) - 0.5)
            for w, plane in zip(weights, row, strict=True)
        )
        for row in maps
    ]
    winners = np.argmax(np.round(planes, 9), axis=0)
    return [reference.dice((winners == c) & ~label.ignored, masks[c]) for c in range(len(masks))]


def same_rules(weights, num_classes) -> Rules:
    return Rules(np.tile(weights, (num_classes, 1)), np.full(num_classes, 0.5))


@given(st.integers(0, 10**6))
def test_dice_is_that_of_the_largest_dense_map(seed):
    images = random_images(seed, grid=(5, 7))
    statistic = build(images)
    weights = np.random.default_rng(seed).dirichlet(np.ones(2))
    found = statistic.scores(same_rules(weights, 3))
    expected = [dense_dice(*image, weights) for image in images]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_array_equal(
        statistic.scores(same_rules(weights, 3), np.array([1])), found[[1]]
    )


@given(st.integers(0, 10**6))
def test_dice_of_other_grids_is_near_that_of_the_dense_maps(seed):
    images = random_images(seed)
    statistic = build(images)
    found = statistic.scores(same_rules(np.array([0.37, 0.63]), 3))
    for row, (maps, label, masks) in zip(found, images, strict=True):
        # single values may be rounded otherwise by float32: a pixel or two change class
        slack = 2 * 3 / max(min(mask.sum() for mask in masks), 1)
        expected = dense_dice(maps, label, masks, (0.37, 0.63))
        np.testing.assert_allclose(row, expected, atol=slack)


@given(st.integers(0, 10**6), st.sampled_from(sorted(METRICS)))
def test_a_profile_is_the_score_at_each_place(seed, metric):
    statistic = replace(build(random_images(seed, num_members=3)), grading=Grading(METRICS[metric]))
    objective = statistic.objective(np.arange(2))
    rng = np.random.default_rng(seed)
    weights, target = rng.dirichlet(np.ones(3), 2)
    line = Line(weights, 0.5, target - weights, 0.0, 0.0, 1.0)
    profile = objective.profile(line)
    for cell in rng.integers(0, NUM_CELLS + 1, 8):
        around = [objective.score(*line.at(cell / NUM_CELLS + shift)) for shift in (-1e-9, 0, 1e-9)]
        assert min(abs(profile[cell] - score) for score in around) < 1e-9


@given(st.integers(0, 10**6))
def test_images_may_count_more_than_others(seed):
    plain = build(random_images(seed, num_images=3, num_members=3))
    weights = np.array([0.2, 1.5, 1.3])
    weighted = plain.graded(Grading(METRICS["iou"], weights))
    plain = plain.graded(Grading(METRICS["iou"]))
    rng = np.random.default_rng(seed)
    start, target = rng.dirichlet(np.ones(3), 2)
    rules = same_rules(start, 3)
    np.testing.assert_allclose(
        weighted.scores(rules).mean(axis=0),
        np.average(plain.scores(rules), axis=0, weights=weights),
    )
    line = Line(start, 0.5, target - start, 0.0, 0.0, 1.0)
    chosen = np.array([2, 0])
    single = [plain.objective(np.array([i])).profile(line) for i in chosen]
    np.testing.assert_allclose(
        weighted.objective(chosen).profile(line),
        np.average(single, axis=0, weights=weights[chosen]),
        atol=1e-9,
    )


def test_a_search_prefers_the_member_that_is_right():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (20, 20))
    masks = np.stack([truth == c for c in range(3)])
    right = np.where(masks, 150, 50).astype(np.uint8)
    wrong = rng.integers(0, 256, right.shape).astype(np.uint8)
    images = [([[wrong[c], right[c]] for c in range(3)], Label(pack(masks)), masks)]
    point = search(build(images).objective(np.arange(1)), [], seed=0)
    assert point.score == pytest.approx(1)
    assert point.weights[1] > 0.6


def test_pixels_without_a_class_that_counts_are_left_out():
    maps = [[np.full((2, 2), 200, np.uint8)], [np.full((2, 2), 50, np.uint8)]]
    masks = np.zeros((2, 2, 2), bool)
    masks[0, 0] = True
    statistic = build([(maps, Label(pack(masks)), masks)])
    assert statistic.decided.tolist() == [[[2, 2, 2], [0, 0, 0]]]
    assert len(statistic.values) == 0
    assert statistic.num_seen(np.arange(1)).tolist() == [1, 0]


def test_some_members_score_as_they_do_beside_others_of_no_weight():
    whole = build(random_images(4, num_members=3))
    some = whole.for_members([2, 0])
    weights = np.array([0.3, 0.0, 0.7])
    np.testing.assert_allclose(
        some.scores(same_rules(weights[[2, 0]], 3)), whole.scores(same_rules(weights, 3))
    )


def test_what_exclusive_classes_cannot_do_is_refused():
    statistic = build(random_images(0))
    with pytest.raises(ValueError, match="one objective"):
        statistic.objective(np.arange(2), np.array([0]))
    with pytest.raises(ValueError, match="every member"):
        ArgmaxBuilder(1, [0]).add([[None]], Label(np.zeros((1, 2, 2), np.uint32)))
