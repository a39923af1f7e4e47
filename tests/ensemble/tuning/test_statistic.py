from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.bit_planes import Label, pack
from ensemble.fusion.soft_maps import PROB_SCALE
from ensemble.metrics import METRICS, Grading
from ensemble.streaming import Stripes
from ensemble.tuning import statistic as statistic_room
from ensemble.tuning.rules import Rules, ThresholdRange, spread
from ensemble.tuning.search import Line
from ensemble.tuning.statistic import StatisticBuilder, TupleStatistic
from ensemble.tuning.units import most_tuples

pytestmark = pytest.mark.kernel

THRESHOLDS = ThresholdRange(0.1, 0.8)


def soft_maps(rng, grids, num_classes, present):
    """For each class the maps of the members that have it: smooth, from 0 to 255."""
    return [
        [
            np.clip(rng.normal(128, 110, grid), 0, 255).astype(np.uint8) if has else None
            for grid, has in zip(grids, row, strict=True)
        ]
        for row in present
    ]


def random_case(seed, num_images=2, ignore=True):
    rng = np.random.default_rng(seed)
    num_members, num_classes = rng.integers(1, 4), rng.integers(1, 4)
    present = rng.random((num_classes, num_members)) < 0.7
    present[np.arange(num_classes), rng.integers(0, num_members, num_classes)] = True
    images = []
    for _ in range(num_images):
        size = tuple(rng.integers(1, 25, 2))
        grids = [tuple(rng.integers(1, 15, 2)) for _ in range(num_members)]
        ignored = rng.random(size) < 0.2 if ignore and rng.random() < 0.5 else None
        masks = rng.random((num_classes, *size)) < rng.choice([0, 0.3, 1])
        if ignored is not None:
            masks &= ~ignored
        label = Label(pack(masks), ignored)
        images.append((soft_maps(rng, grids, num_classes, present), label, masks))
    return present, images, rng


def build(present, images) -> TupleStatistic:
    builder = StatisticBuilder(present, range(len(present)), THRESHOLDS)
    for maps, label, _ in images:
        builder.add(maps, label)
    return builder.result()


def upsampled(plane, size):
    return np.ceil(reference.interpolate(plane.astype(np.float64), size) - 0.5)


def dense_dice(maps, label, masks, rules: Rules):
    """Every member interpolated to full size, rounded, weighted, compared."""
    counted = np.ones(label.size, bool) if label.ignored is None else ~label.ignored
    scores = []
    for c, row in enumerate(maps):
        fused = sum(
            rules.weights[c, m] * upsampled(plane, label.size)
            for m, plane in enumerate(row)
            if plane is not None
        )
        scores.append(reference.dice((fused > 255 * rules.thresholds[c]) & counted, masks[c]))
    return scores


def random_rules(rng, present) -> Rules:
    weights = rng.dirichlet(np.ones(present.shape[1]), len(present)) * present + 1e-9 * present
    weights /= weights.sum(1, keepdims=True)
    return Rules(weights, rng.uniform(THRESHOLDS.low, THRESHOLDS.high, len(present)))


@given(st.integers(0, 10**6))
def test_dice_is_that_of_the_dense_maps(seed):
    present, images, rng = random_case(seed)
    statistic = build(present, images)
    for _ in range(3):
        rules = random_rules(rng, present)
        found = statistic.scores(rules)
        for scores, image in zip(found, images, strict=True):
            # an interpolated value that lies on a half may be rounded either way by its last bit
            near_half = [
                np.isclose(reference.interpolate(plane.astype(float), image[1].size) % 1, 0.5).any()
                for row in image[0]
                for plane in row
                if plane is not None
            ]
            if not any(near_half):
                np.testing.assert_allclose(scores, dense_dice(*image, rules), atol=1e-12)


def test_dice_of_one_member_on_its_own_grid_is_exact():
    rng = np.random.default_rng(0)
    probs = rng.random((7, 11)).astype(np.float32)
    probs[0, :3] = [0.5, np.nextafter(np.float32(0.5), 1), np.nextafter(np.float32(0.5), 0)]
    masks = rng.random((1, 7, 11)) < 0.5
    statistic = build(
        np.ones((1, 1), bool), [([[PROB_SCALE.quantise(probs)]], Label(pack(masks)), masks)]
    )
    rules = Rules(np.ones((1, 1)), np.array([0.5]))
    assert statistic.scores(rules)[0, 0] == reference.dice(probs > 0.5, masks[0])


def test_equal_tuples_are_counted_together():
    flat = np.full((4, 4), 100, np.uint8)
    masks = np.zeros((1, 8, 8), bool)
    masks[0, :2] = True
    statistic = build(np.ones((1, 2), bool), [([[flat, flat]], Label(pack(masks)), masks)])
    assert statistic.values.T.tolist() == [[100, 100]]
    assert statistic.counts.T.tolist() == [[64, 16]]


def test_certain_pixels_are_counted_and_not_kept():
    sure = np.full((2, 3), 250, np.uint8)
    nothing = np.full((2, 3), 20, np.uint8)
    masks = np.ones((1, 5, 5), bool)
    for plane, expected in ((sure, [25, 25, 25]), (nothing, [0, 0, 25])):
        statistic = build(np.ones((1, 1), bool), [([[plane]], Label(pack(masks)), masks)])
        assert statistic.values.shape == (1, 0)
        assert statistic.decided.tolist() == [expected]


@given(st.integers(0, 10**6))
def test_more_tuples_than_may_be_are_rounded_and_all_pixels_still_counted(seed):
    """At steps of 64 of 255 a value moves by at most 32, so does a weighted mean."""
    present, images, rng = random_case(seed)
    exact = build(present, images)
    few = StatisticBuilder(present, range(len(present)), THRESHOLDS, most=5)
    for maps, label, _ in images:
        few.add(maps, label)
    rounded = few.result()
    lengths = np.diff(exact.offsets), np.diff(rounded.offsets)
    for before, after in zip(*lengths, strict=True):
        assert after == before if before <= 5 else after <= 5 ** present.shape[1]
    np.testing.assert_array_equal(rounded.decided, exact.decided)
    np.testing.assert_array_equal(rounded.counts.sum(1), exact.counts.sum(1))
    rules, exact = random_rules(rng, present), replace(exact, thresholds=ThresholdRange(0, 1))
    least, most = (
        exact.overlaps(replace(rules, thresholds=np.clip(rules.thresholds + shift, 0, 1)))
        for shift in (33 / 255, -33 / 255)
    )
    area_px = rounded.overlaps(rules)[..., 0]
    assert (least[..., 0] <= area_px).all()
    assert (area_px <= most[..., 0]).all()


def test_the_fewer_images_the_more_tuples_may_one_have():
    assert most_tuples(3, 10**9) == 32_768
    assert most_tuples(2, 2) == 10**8


def test_members_that_agree_on_either_side_leave_a_pixel_undecided_only_between_them():
    low, high = np.full((2, 2), 10, np.uint8), np.full((2, 2), 250, np.uint8)
    masks = np.ones((1, 2, 2), bool)
    statistic = build(np.ones((1, 2), bool), [([[low, high]], Label(pack(masks)), masks)])
    assert statistic.counts.tolist() == [[4], [4]]


def test_a_threshold_outside_of_the_range_is_refused():
    present, images, _ = random_case(1)
    with pytest.raises(ValueError, match="outside"):
        build(present, images).scores(spread(np.ones(present.shape[1]), 0.05, present))


@given(st.integers(0, 10**6))
def test_chosen_images_and_classes_are_slices(seed):
    present, images, rng = random_case(seed, num_images=4)
    statistic = build(present, images)
    rules = random_rules(rng, present)
    chosen = np.array([3, 1])
    np.testing.assert_array_equal(statistic.scores(rules, chosen), statistic.scores(rules)[chosen])
    same = spread(np.full(present.shape[1], 1 / present.shape[1]), 0.5, present)
    mean = statistic.objective(chosen).score(same.weights.mean(0), 0.5)
    if present.all():
        assert mean == pytest.approx(statistic.scores(same, chosen).mean())
    one = statistic.objective(chosen, np.array([0]))
    assert one.score(rules.weights[0], rules.thresholds[0]) == pytest.approx(
        statistic.scores(rules, chosen)[:, 0].mean()
    )


def random_line(rng, num_members, *, moves_threshold) -> Line:
    """A line whose threshold 0.41 * 255 is no level: else a tuple could tie all along it."""
    weights, target = rng.dirichlet(np.ones(num_members), 2)
    still = np.zeros(num_members)
    if moves_threshold:
        return Line(weights, 0.41, still, 1.0, -0.3, 0.4)
    return Line(weights, 0.41, target - weights, 0.0, 0.0, 1.0)


@given(st.integers(0, 10**6))
def test_so_is_a_profile_of_weights_and_threshold_together(seed):
    _, images, rng = random_case(seed)
    images = [([class_maps], *rest) for (class_maps, *_), *rest in images]
    present = np.array([[plane is not None for plane in images[0][0][0]]])
    objective = build(present, images).objective(np.arange(2))
    step = np.where(present[0], rng.normal(size=present.shape[1]), 0.0)
    step -= present[0] * step.sum() / present.sum()
    weights = np.where(present[0], rng.dirichlet(np.ones(present.shape[1])), 0.0)
    line = Line(weights / weights.sum(), 0.41, step / 10, 0.2, -0.9, 1.3)
    assert objective.is_joint
    profile = objective.profile(line)
    for cell in rng.integers(0, len(profile), 8):
        place = line.low + (line.high - line.low) * cell / (len(profile) - 1)
        around = [objective.score(*line.at(place + shift)) for shift in (-1e-9, 0, 1e-9)]
        assert min(abs(profile[cell] - score) for score in around) < 1e-9


@given(st.integers(0, 10**6), st.sampled_from(sorted(METRICS)))
def test_the_objective_is_the_mean_score(seed, metric):
    present, images, rng = random_case(seed, num_images=3)
    statistic = replace(build(present, images), grading=Grading(METRICS[metric]))
    weights = rng.dirichlet(np.ones(present.shape[1]))
    rules = spread(weights, 0.4, present)
    mean = statistic.objective(np.arange(3)).score(weights, 0.4)
    assert mean == pytest.approx(statistic.scores(rules).mean(), abs=1e-6)


@given(st.integers(0, 10**6), st.booleans())
def test_images_may_count_more_than_others(seed, is_iou):
    present, images, rng = random_case(seed, num_images=3)
    plain = replace(build(present, images), grading=Grading(METRICS["iou" if is_iou else "dice"]))
    weights = np.array([0.2, 1.5, 1.3])
    weighted = plain.graded(replace(plain.grading, image_weights=weights))
    rules = random_rules(rng, present)
    expected = np.average(plain.scores(rules), axis=0, weights=weights)
    np.testing.assert_allclose(weighted.scores(rules).mean(axis=0), expected)
    line = random_line(rng, present.shape[1], moves_threshold=False)
    objective = weighted.objective(np.array([2, 0]))
    single = [plain.objective(np.array([i])).profile(line) for i in (2, 0)]
    np.testing.assert_allclose(
        objective.profile(line), np.average(single, axis=0, weights=weights[[2, 0]]), atol=1e-9
    )
    same = spread(line.weights, 0.4, present)
    mean = np.average(plain.scores(same), axis=0, weights=weights).mean()
    assert weighted.objective(np.arange(3)).score(line.weights, 0.4) == pytest.approx(mean)


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from(sorted(METRICS)))
def test_a_profile_is_the_score_at_each_place(seed, moves_threshold, metric):
    present, images, rng = random_case(seed)
    objective = replace(build(present, images), grading=Grading(METRICS[metric])).objective(
        np.arange(2)
    )
    line = random_line(rng, present.shape[1], moves_threshold=moves_threshold)
    profile = objective.profile(line)
    for cell in rng.integers(0, len(profile), 8):
        place = line.low + (line.high - line.low) * cell / (len(profile) - 1)
        around = [objective.score(*line.at(place + shift)) for shift in (-1e-9, 0, 1e-9)]
        # on a crossing itself either side may be meant
        assert min(abs(profile[cell] - score) for score in around) < 1e-9


@pytest.mark.parametrize("metric", ["dice", "pooled-iou"])
def test_threads_change_no_result(monkeypatch, metric):
    monkeypatch.setattr(statistic_room, "_WORTH_THREADS", 0)
    present, images, rng = random_case(5, num_images=9)
    alone = replace(build(present, images), grading=Grading(METRICS[metric]))
    line = random_line(rng, present.shape[1], moves_threshold=False)
    with Stripes(3) as stripes:
        for images_ in (np.arange(9), np.array([4])):
            together = alone.in_threads(stripes.map).objective(images_)
            one = alone.objective(images_)
            np.testing.assert_array_equal(together.profile(line), one.profile(line))
            assert together.score(line.weights, 0.4) == one.score(line.weights, 0.4)
            monkeypatch.setattr(statistic_room, "_WORTH_THREADS", 10**9)
            np.testing.assert_allclose(one.profile(line), together.profile(line), atol=1e-12)
            monkeypatch.setattr(statistic_room, "_WORTH_THREADS", 0)


def test_a_sample_counts_every_nth_tuple_for_all_up_to_the_next(monkeypatch):
    monkeypatch.setattr(statistic_room, "_LEAST_OF_UNIT", 2)
    present, images, rng = random_case(11, num_images=4)
    whole = build(present, images)
    assert whole.thinned(whole.values.shape[1]) is whole
    third = whole.thinned(whole.values.shape[1] // 3 + 1)
    for u, (first, last) in enumerate(pairwise(whole.offsets)):
        every = max(min(3, (last - first) // 2), 1)
        kept = slice(third.offsets[u], third.offsets[u + 1])
        np.testing.assert_array_equal(third.values[:, kept], whole.values[:, first:last:every])
        stand_for = [len(range(k, min(k + every, last))) for k in range(first, last, every)]
        np.testing.assert_array_equal(
            third.counts[:, kept], stand_for * whole.counts[:, first:last:every]
        )
    np.testing.assert_array_equal(third.decided, whole.decided)
    rules = random_rules(rng, present)
    np.testing.assert_allclose(third.scores(rules).mean(), whole.scores(rules).mean(), atol=0.05)


def test_small_classes_stay_whole_in_a_sample_of_large_ones():
    """A thinned one of three undecided pixels would count each of them many times over."""
    large = np.zeros((2, 40, 60), np.uint8)
    large[:, 5:30, 10:50] = np.random.default_rng(0).integers(90, 170, (2, 25, 40))
    small = np.zeros_like(large)
    small[:, 10, 10:13] = 128, 129, 130
    label = Label(pack(np.stack([large[0] > 128, small[0] > 0])))
    builder = StatisticBuilder(np.ones((2, 2), bool), range(2), THRESHOLDS)
    builder.add([list(large), list(small)], label)
    whole = builder.result()
    sample = whole.thinned(100)
    first, middle, last = sample.offsets
    assert middle - first < (whole.offsets[1] - whole.offsets[0]) / 2
    assert last - middle == whole.offsets[2] - whole.offsets[1]
    rules = Rules(np.full((2, 2), 0.5), np.full(2, 0.4))
    assert sample.scores(rules)[0, 1] == whole.scores(rules)[0, 1]


@given(st.integers(0, 10**6), st.sampled_from(["dice", "pooled-dice"]))
def test_near_a_point_nothing_is_lost(seed, metric):
    """Scores and profiles of the part near by are those of the whole, as far as it reaches."""
    present, images, rng = random_case(seed)
    whole = replace(build(present, images), grading=Grading(METRICS[metric]))
    c = int(rng.integers(len(present)))
    objective = whole.objective(np.arange(2), np.array([c]))
    centre = random_rules(rng, present)
    weights, threshold = centre.weights[c], float(centre.thresholds[c])
    near = objective.near(weights, threshold)
    assert near.statistic.values.shape[1] <= whole.values.shape[1]
    assert near.score(weights, threshold) == pytest.approx(objective.score(weights, threshold))
    other = random_rules(rng, present).weights[c]
    moved = np.abs(other - weights).sum() / 2
    share = min(1.0, statistic_room.NEAR_WEIGHT / max(moved, 1e-9))
    at = weights + share * (other - weights)
    for t in (near.thresholds.low, near.thresholds.high):
        assert abs(t - threshold) <= statistic_room.NEAR_THRESHOLD + 1e-12
        assert near.score(at, t) == pytest.approx(objective.score(at, t))
    assert near.room(at) == pytest.approx(
        max(statistic_room.NEAR_WEIGHT - share * moved, 0), abs=1e-9
    )
    line = Line(weights, threshold, other - weights, 0.0, 0.0, share)
    np.testing.assert_allclose(near.profile(line), objective.profile(line), atol=1e-9)


def test_nothing_is_near_where_members_drop_out_of_some_classes():
    builder = StatisticBuilder(np.array([[True, False], [True, True]]), range(2), THRESHOLDS)
    plane = np.full((4, 5), 90, np.uint8)
    builder.add([[plane, None], [plane, plane]], Label(pack(np.zeros((2, 9, 8), bool))))
    with pytest.raises(ValueError, match="drop out"):
        builder.result().objective(np.arange(1)).near(np.array([0.5, 0.5]), 0.5)


def test_no_image_with_a_class_is_told():
    present, images, _ = random_case(3)
    statistic = build(present, images)
    areas = np.array([[mask.any() for mask in masks] for _, _, masks in images])
    assert statistic.num_seen(np.arange(2)).tolist() == areas.sum(0).tolist()
