from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.kernels.line_sweep import NUM_CELLS, widest_plateau
from ensemble.tuning.rules import ThresholdRange, spread
from ensemble.tuning.search import (
    _POLISH_ROUNDS,
    SLACK,
    Line,
    _smoothed,
    own_starts,
    polish,
    search,
    survey,
)
from ensemble.tuning.statistic import NEAR_WEIGHT, TupleStatistic

THRESHOLDS = ThresholdRange(0.1, 0.9)


def random_statistic(seed, num_members=3, num_images=3, num_tuples=15) -> TupleStatistic:
    """One class; tuples whose truth follows the members, the first the most."""
    rng = np.random.default_rng(seed)
    count = num_images * num_tuples
    values = rng.integers(0, 256, (num_members, count)).astype(np.uint8)
    total = rng.integers(1, 20, count)
    chance = np.average(values, axis=0, weights=2.0 ** -np.arange(num_members)) / 255
    positive = rng.binomial(total, chance**2)
    areas = positive.reshape(num_images, -1).sum(1)
    certain = rng.integers(0, 30, num_images)
    decided = np.stack([certain, certain // 2, areas + certain // 2], axis=1)
    return TupleStatistic(
        values,
        np.stack([total, positive]).astype(np.int32),
        np.arange(0, count + 1, num_tuples),
        decided.astype(np.int64),
        np.ones((1, num_members), bool),
        THRESHOLDS,
    )


def crossings(statistic: TupleStatistic, line: Line) -> np.ndarray:
    """The places at which a tuple changes side, by solving for each one."""
    base = line.weights @ statistic.values - 255 * line.threshold
    slope = line.weights_step @ statistic.values - 255 * line.threshold_step
    moving = slope != 0
    places = -base[moving] / slope[moving]
    inside = places[(places > line.low) & (places < line.high)]
    return np.array([line.low, *np.unique(inside), line.high])


@given(st.integers(0, 10**6), st.booleans())
def test_the_best_of_a_line_is_the_best_between_all_crossings(seed, moves_threshold):
    statistic = random_statistic(seed)
    objective = statistic.objective(np.arange(3))
    rng = np.random.default_rng(seed)
    weights, target = rng.dirichlet(np.ones(3), 2)
    line = (
        Line(weights, 0.5, np.zeros(3), 1.0, -0.4, 0.4)
        if moves_threshold
        else Line(weights, 0.5, target - weights, 0.0, 0.0, 1.0)
    )
    best = objective.profile(line).max()
    cell = (line.high - line.low) / NUM_CELLS
    between = [
        (objective.score(*line.at((a + b) / 2)), b - a)
        for a, b in pairwise(crossings(statistic, line))
    ]
    assert best >= max((score for score, width in between if width > 2 * cell), default=0) - 1e-12
    assert best <= max(score for score, _ in between) + 1e-12


def test_a_step_lies_in_the_cell_of_its_crossing():
    statistic = random_statistic(0)
    objective = statistic.objective(np.arange(3))
    line = Line(np.array([0.2, 0.3, 0.5]), 0.5, np.array([0.8, -0.3, -0.5]), 0.0, 0.0, 1.0)
    profile = objective.profile(line)
    cells = np.floor(crossings(statistic, line)[1:-1] * NUM_CELLS).astype(int)
    assert len(cells) > 10
    for cell in {*cells, *(cells + 1)}:
        assert profile[cell] == pytest.approx(objective.score(*line.at(cell / NUM_CELLS)))


@given(st.integers(0, 10**6))
def test_a_search_is_not_below_its_starts(seed):
    objective = random_statistic(seed).objective(np.arange(3))
    given_start = np.random.default_rng(seed).dirichlet(np.ones(3))
    point = search(objective, [(given_start, 0.3)], seed=0)
    starts = [*own_starts(objective), (given_start, 0.3)]
    assert point.score >= max(objective.score(*start) for start in starts)
    assert point.score == objective.score(point.weights, point.threshold)
    assert point.weights.min() >= 0
    assert point.weights.sum() == pytest.approx(1)
    assert THRESHOLDS.low <= point.threshold <= THRESHOLDS.high


def test_a_search_finds_what_a_fine_grid_finds():
    for seed in range(4):
        objective = random_statistic(seed, num_members=2, num_tuples=60).objective(np.arange(3))
        grid = [
            objective.score(np.array([w, 1 - w]), t)
            for w in np.linspace(0, 1, 101)
            for t in np.linspace(0.1, 0.9, 81)
        ]
        assert search(objective, [], seed=0).score >= max(grid) - 2e-3


def test_a_search_is_the_same_for_the_same_seed():
    objective = random_statistic(5, num_members=4).objective(np.arange(3))
    first, second = search(objective, [], seed=3), search(objective, [], seed=3)
    np.testing.assert_array_equal(first.weights, second.weights)
    assert first.threshold == second.threshold


@given(st.integers(0, 10**6))
def test_polishing_goes_up_and_stays_near(seed):
    objective = random_statistic(seed).objective(np.arange(3))
    starts = survey(objective, [], seed=0)
    found = polish(objective, starts, seed=0)
    assert found.score == objective.score(found.weights, found.threshold)
    assert found.score >= max(objective.score(p.weights, p.threshold) for p in starts)
    reach = (1 + _POLISH_ROUNDS) * NEAR_WEIGHT
    moved = [np.abs(found.weights - point.weights).sum() / 2 for point in starts]
    assert min(moved) <= reach + 1e-9
    assert THRESHOLDS.low <= found.threshold <= THRESHOLDS.high


def test_a_survey_is_not_below_its_starts_and_finds_what_is_broad():
    objective = random_statistic(2, num_tuples=200).objective(np.arange(3))
    found = survey(objective, [(np.array([0.1, 0.1, 0.8]), 0.4)], seed=0)
    starts = [*own_starts(objective), (np.array([0.1, 0.1, 0.8]), 0.4)]
    assert found[0].score >= max(objective.score(*start) for start in starts)
    assert [point.score for point in found] == sorted((p.score for p in found), reverse=True)
    assert found[0].weights[0] > 0.4  # truth follows the first member the most
    apart = [np.abs(a.weights - b.weights).sum() / 2 for a, b in combinations(found, 2)]
    assert min(apart, default=1) >= 0.05


def test_a_threshold_at_the_end_of_its_range_has_not_left_it_by_rounding():
    """0.5 + (0.1 - 0.5) is below 0.1 in floating point."""
    statistic = random_statistic(0)
    everywhere = replace(statistic, counts=np.stack([statistic.counts[0]] * 2))
    found = search(everywhere.objective(np.arange(3)), [], seed=0)  # the more the better
    assert found.threshold >= THRESHOLDS.low
    rules = spread(found.weights, found.threshold, everywhere.present)
    for share in (0.25, 0.5, 0.75, 1.0):
        on_the_way = spread(found.weights, 0.1, everywhere.present).towards(
            rules, np.array([share])
        )
        everywhere.scores(on_the_way)


def test_one_member_alone_is_searched_for_its_threshold():
    statistic = random_statistic(2, num_members=1)
    point = search(statistic.objective(np.arange(3)), [], seed=0)
    assert point.weights.tolist() == [1.0]
    assert point.score > statistic.objective(np.arange(3)).score(np.ones(1), 0.5)


def test_a_member_without_the_class_gets_no_weight():
    statistic = random_statistic(4)
    present = np.array([[True, False, True]])
    lacking = TupleStatistic(
        statistic.values * present.T.astype(np.uint8),
        statistic.counts,
        statistic.offsets,
        statistic.decided,
        present,
        THRESHOLDS,
    )
    assert search(lacking.objective(np.arange(3)), [], seed=0).weights[1] == 0


def test_the_threshold_is_put_into_the_middle_of_its_plateau():
    values = np.array([[60, 200]], np.uint8)  # background at 60, foreground at 200
    statistic = TupleStatistic(
        values,
        np.array([[100, 100], [0, 100]], np.int32),
        np.array([0, 2]),
        np.array([[0, 0, 100]]),
        np.ones((1, 1), bool),
        THRESHOLDS,
    )
    point = search(statistic.objective(np.arange(1)), [(np.ones(1), 0.15)], seed=0)
    assert point.score == pytest.approx(1)
    profile = statistic.objective(np.arange(1)).profile(
        Line(np.ones(1), 0.15, np.zeros(1), 1.0, -0.05, 0.75)
    )
    place = 0.1 + 0.8 * widest_plateau(profile, SLACK) / NUM_CELLS
    assert place == pytest.approx((60 + 200) / 2 / 255, abs=1e-3)


def test_smoothing_is_the_mean_of_the_surroundings():
    profile = np.random.default_rng(0).random(30)
    smoothed = _smoothed(profile, 4)
    for place in range(30):
        around = [profile[min(max(place + shift, 0), 29)] for shift in range(-4, 5)]
        assert smoothed[place] == pytest.approx(np.mean(around))


def test_the_widest_of_equal_plateaus_is_taken():
    profile = np.array([0.0, 1, 1, 0, 1, 1, 1, 1, 1, 0.5, 1])
    assert widest_plateau(profile, 0.0) == 6
    assert widest_plateau(np.ones(5), 0.0) == 2
    assert widest_plateau(np.array([0.0, 0.3]), 0.0) == 1
