"""The best weights and threshold of an objective, by exact line searches from several starts.

Along a line the metric is a step function, swept as a whole. From each start the search first walks
to where a line is high on broad ground, its mean over a stretch, and then to the best plateau of
one line after the other until no line gets higher: on single peaks alone it would stop at the first
that chance put up. The graded metric itself is climbed, nothing smooth in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.line_sweep import NUM_CELLS, widest_plateau
from ensemble.tuning.rules import DEFAULT_THRESHOLD, ThresholdRange

# Scores within this of the best belong to its plateau: it is what one pixel of a class of 1,500
# pixels changes in the mean over 60 images.
SLACK = 1e-5

# Of all starts the best after a search of the threshold alone; on a sample, where climbing is
# cheap, more of them, and of the grounds that those lead to the best.
_NUM_CLIMBED, _NUM_SURVEYED, _NUM_POLISHED = 3, 6, 3
_BROAD = 0.02  # of a weight or the threshold: how far to both sides ground is broad
_BROAD_ROUNDS, _MAX_ROUNDS = 2, 12
_POLISH_ROUNDS = 2
_APART = 0.05  # grounds that differ by less of the weights are one
_NUM_RANDOM = 2  # random mixtures a round, against ridges that no axis follows
_NUM_JOINT = 4  # random directions of weights and threshold together
_JOINT_THRESHOLD = 0.3  # how much the threshold moves in those, beside weights of variance 1
_MIN_STEP = 1e-9
_ROUNDING = 1e-10  # between the score in a profile and that of the point itself


@dataclass(frozen=True, slots=True)
class Point:
    """Weights (M,) on the simplex, a threshold, and the score there."""

    weights: NDArray[np.float64]
    threshold: float
    score: float


@dataclass(frozen=True, slots=True)
class Line:
    """start + place * direction: weights (M,) and a threshold.

    Both may move together only where the steps of the weights sum to 0.
    """

    weights: NDArray[np.float64]
    threshold: float
    weights_step: NDArray[np.float64]
    threshold_step: float
    low: float
    high: float

    def at(self, place: float) -> tuple[NDArray[np.float64], float]:
        """The weights and the threshold at a place from `low` to `high`."""
        return (
            self.weights + place * self.weights_step,
            self.threshold + place * self.threshold_step,
        )


class Objective(Protocol):
    """What is maximised."""

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(M,): the members whose weight matters; the others get none."""
        ...

    @property
    def thresholds(self) -> ThresholdRange | None:
        """Within what the threshold may move; None where there is no threshold."""
        ...

    @property
    def is_joint(self) -> bool:
        """Whether threshold and weights may move on one line: weights sum to 1 everywhere."""
        ...

    def near(self, weights: NDArray[np.float64], threshold: float) -> Objective:
        """The same for less work, where it can be had, valid only near a point."""
        ...

    def room(self, weights: NDArray[np.float64]) -> float:
        """How much weight may go from members to others, from these weights on."""
        ...

    def score(self, weights: NDArray[np.float64], threshold: float) -> float:
        """The value at a point."""
        ...

    def profile(self, line: Line) -> NDArray[np.float64]:
        """The values at evenly spaced places of a line, both ends included."""
        ...


# The better place on a line, or the point itself.
LineSearch = Callable[[Objective, Line, Point], Point]


def search(
    objective: Objective, starts: Sequence[tuple[NDArray[np.float64], float]], *, seed: int
) -> Point:
    """The best point found from uniform weights, each single member, and the given starts.

    Never below any of them; the same for the same seed. Of equal points the first start's.
    """
    points, found = _from_starts(objective, starts, seed, _climb, _NUM_CLIMBED)
    return max([*points, *found], key=lambda point: point.score)


def survey(
    objective: Objective, starts: Sequence[tuple[NDArray[np.float64], float]], *, seed: int
) -> list[Point]:
    """The broad grounds that `search` walks to: on a sample, whose single peaks say nothing.

    The highest first, not below the best start, and no two of them close together.
    """
    points, found = _from_starts(objective, starts, seed, _walk_broad, _NUM_SURVEYED)
    best = max(points, key=lambda point: point.score)
    apart: list[Point] = []
    for point in sorted([*found, best], key=lambda point: -point.score):
        moved = [float(np.abs(point.weights - other.weights).sum()) / 2 for other in apart]
        if min(moved, default=np.inf) >= _APART:
            apart.append(point)
    return apart[:_NUM_POLISHED]


def polish(objective: Objective, points: Sequence[Point], *, seed: int) -> Point:
    """The best near points that were found on a sample; not below any of them.

    Each is climbed from for a round, the best of them for some more. The first point itself where
    weights and threshold cannot move together: nothing is near then.
    """
    if not objective.is_joint:
        return points[0]
    rng = np.random.default_rng(seed)
    tried = [_polished(objective, point, rng) for point in points]
    best = max(tried, key=lambda point: point.score)
    for _ in range(_POLISH_ROUNDS):
        best = _polished(objective, best, rng)
    return best


def _polished(objective: Objective, point: Point, rng: np.random.Generator) -> Point:
    """The better of a point and of what a round in its neighbourhood leads to."""
    near = objective.near(point.weights, point.threshold)
    here = _scored(near, point)
    found = _scored(near, _round(near, here, rng, _best_on))
    return max(here, found, key=lambda each: each.score)


def own_starts(objective: Objective) -> list[tuple[NDArray[np.float64], float]]:
    """Uniform weights over the usable members, then each of them alone; threshold 0.5."""
    usable = objective.usable
    singles = np.eye(len(usable))[usable]
    return [(weights, DEFAULT_THRESHOLD) for weights in (usable / usable.sum(), *singles)]


def _point(objective: Objective, weights: NDArray[np.float64], threshold: float) -> Point:
    return Point(weights, threshold, objective.score(weights, threshold))


def _scored(objective: Objective, point: Point) -> Point:
    """The point with the very score of an objective."""
    return _point(objective, point.weights, point.threshold)


def _from_starts(
    objective: Objective,
    starts: Sequence[tuple[NDArray[np.float64], float]],
    seed: int,
    improve: Callable[[Objective, Point, np.random.Generator], Point],
    most: int,
) -> tuple[list[Point], list[Point]]:
    """All starts, and what the `most` promising ones of them are improved to."""
    rng = np.random.default_rng(seed)
    points = [_point(objective, weights, t) for weights, t in [*own_starts(objective), *starts]]
    tried = sorted(
        (_along_threshold(objective, point) for point in points), key=lambda point: -point.score
    )
    found = [_scored(objective, improve(objective, p, rng)) for p in tried[:most]]
    return points, found


def _walk_broad(objective: Objective, point: Point, rng: np.random.Generator) -> Point:
    """Walk to broad ground."""
    for _ in range(_BROAD_ROUNDS):
        point = _round(objective, point, rng, _broadest_on)
    return point


def _climb(objective: Objective, point: Point, rng: np.random.Generator) -> Point:
    """Walk to broad ground, then up until a whole round brings nothing."""
    broad = _walk_broad(objective, point, rng)
    best = max(point, broad, key=lambda seen: seen.score)
    point = broad
    for _ in range(_MAX_ROUNDS):
        before = point.score
        point = _round(objective, point, rng, _best_on)
        if point.score <= before:
            break
    return max(best, point, key=lambda seen: seen.score)


def _round(
    objective: Objective, point: Point, rng: np.random.Generator, best_on: LineSearch
) -> Point:
    """One line after the other: all moves of the weights, the threshold, and both together."""
    for target, source in _moves(objective.usable, rng):
        step = target - (point.weights if source is None else source)
        point = _along(objective, point, step, 0.0, best_on)
    point = _along(objective, point, np.zeros_like(point.weights), 1.0, best_on)
    if objective.is_joint:
        usable = np.flatnonzero(objective.usable)
        for _ in range(_NUM_JOINT):
            step = np.zeros_like(point.weights)
            step[usable] = rng.normal(size=len(usable))
            step[usable] -= step[usable].mean()
            point = _along(objective, point, step, _JOINT_THRESHOLD * rng.normal(), best_on)
    return point


def _moves(
    usable: NDArray[np.bool_], rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None]]:
    """Pairs (target, source) whose difference is a direction; source None: the weights there."""
    vertices = np.eye(len(usable))[usable]
    if len(vertices) > 2:
        yield from ((vertex, None) for vertex in vertices)
    yield from combinations(vertices, 2)
    if len(vertices) > 2:
        mixtures = rng.dirichlet(np.ones(len(vertices)), _NUM_RANDOM)
        yield from ((mixture @ vertices, None) for mixture in mixtures)


def _along_threshold(objective: Objective, point: Point) -> Point:
    return _along(objective, point, np.zeros_like(point.weights), 1.0, _best_on)


def _along(
    objective: Objective,
    point: Point,
    step: NDArray[np.float64],
    threshold_step: float,
    best_on: LineSearch,
) -> Point:
    """Search the line through the point, as far as no weight falls below 0 nor the threshold out.

    Where there is no threshold, that does not move.
    """
    low, high = -np.inf, np.inf
    moving = np.abs(step) > _MIN_STEP
    if moving.any():
        reach = objective.room(point.weights) / (float(np.abs(step).sum()) / 2)
        limits = -point.weights[moving] / step[moving]
        low = max(float(limits[step[moving] > 0].max()), -reach)
        high = min(float(limits[step[moving] < 0].min()), reach)
    span = objective.thresholds
    if span is not None and abs(threshold_step) > _MIN_STEP:
        ends = (np.array([span.low, span.high]) - point.threshold) / threshold_step
        low, high = max(low, float(ends.min())), min(high, float(ends.max()))
    if not _MIN_STEP < high - low < np.inf:
        return point
    line = Line(point.weights, point.threshold, step, threshold_step, low, high)
    found = best_on(objective, line, point)
    return found if span is None else replace(found, threshold=span.clip(found.threshold))


def _best_on(objective: Objective, line: Line, point: Point) -> Point:
    """The middle of the best plateau of a line, if it is higher than the point."""
    profile = objective.profile(line)
    cell = widest_plateau(profile, SLACK)
    return _at(line, cell, profile[cell]) if profile[cell] > point.score + _ROUNDING else point


def _broadest_on(objective: Objective, line: Line, point: Point) -> Point:
    """The place of a line whose surroundings are the highest, if they are higher than here."""
    cells = NUM_CELLS / (line.high - line.low)
    pace = max(float(np.abs(line.weights_step).max()), abs(line.threshold_step))
    reach = min(max(int(cells * _BROAD / pace), 1), NUM_CELLS)
    profile = objective.profile(line)
    ground = _smoothed(profile, reach)
    here, best = round(-line.low * cells), int(ground.argmax())
    return _at(line, best, profile[best]) if ground[best] > ground[here] + SLACK / 10 else point


def _smoothed(profile: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Means over each place and `reach` more on both sides, beyond the ends as at the ends."""
    sums = np.cumsum(np.pad(profile, (reach + 1, reach), mode="edge"))
    return np.asarray((sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1))


def _at(line: Line, cell: int, score: float) -> Point:
    """The point at a cell's border of a line, where the profile has that score."""
    weights, threshold = line.at(line.low + cell / NUM_CELLS * (line.high - line.low))
    weights = np.maximum(weights, 0.0)
    return Point(weights / weights.sum(), threshold, float(score))
