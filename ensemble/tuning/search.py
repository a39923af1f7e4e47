"""The best weights and threshold of an objective, by exact line searches from several starts.

Along a line mean Dice is a step function, swept as a whole; the search walks from a start to the
best plateau of one line after the other until no line gets higher. The graded metric itself is
climbed, nothing smooth in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.line_sweep import NUM_CELLS, widest_plateau
from ensemble.tuning.rules import DEFAULT_THRESHOLD, ThresholdRange

# Scores within this of the best belong to its plateau, and gains below it are not walked after:
# it is what one pixel of a class of 1,500 pixels changes in the mean over 60 images.
SLACK = 1e-5

_NUM_CLIMBED = 2  # of all starts, the best after a search of the threshold alone
_MAX_ROUNDS = 12
_NUM_RANDOM = 2  # random directions a round, against ridges that no axis follows
_MIN_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class Point:
    """Weights (M,) on the simplex, a threshold, and the score there."""

    weights: NDArray[np.float64]
    threshold: float
    score: float


@dataclass(frozen=True, slots=True)
class Line:
    """start + place * direction: weights (M,) and a threshold, of which only one may move."""

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

    def score(self, weights: NDArray[np.float64], threshold: float) -> float:
        """The value at a point."""
        ...

    def profile(self, line: Line) -> NDArray[np.float64]:
        """The values at evenly spaced places of a line, both ends included."""
        ...


def search(
    objective: Objective, starts: Sequence[tuple[NDArray[np.float64], float]], *, seed: int
) -> Point:
    """The best point found from uniform weights, each single member, and the given starts.

    Never below any of them; the same for the same seed. Of equal points the first start's.
    """
    rng = np.random.default_rng(seed)
    points = [_point(objective, weights, t) for weights, t in [*own_starts(objective), *starts]]
    tried = sorted(
        (_along_threshold(objective, point) for point in points), key=lambda point: -point.score
    )
    climbed = [_climb(objective, point, rng) for point in tried[:_NUM_CLIMBED]]
    return max([*points, *climbed], key=lambda point: point.score)


def own_starts(objective: Objective) -> list[tuple[NDArray[np.float64], float]]:
    """Uniform weights over the usable members, then each of them alone; threshold 0.5."""
    usable = objective.usable
    singles = np.eye(len(usable))[usable]
    return [(weights, DEFAULT_THRESHOLD) for weights in (usable / usable.sum(), *singles)]


def _point(objective: Objective, weights: NDArray[np.float64], threshold: float) -> Point:
    return Point(weights, threshold, objective.score(weights, threshold))


def _climb(objective: Objective, point: Point, rng: np.random.Generator) -> Point:
    """Walk along one line after the other until a whole round brings nothing."""
    for _ in range(_MAX_ROUNDS):
        before = point.score
        for target, source in _moves(objective.usable, rng):
            step = target - (point.weights if source is None else source)
            point = _along_weights(objective, point, step)
        point = _along_threshold(objective, point)
        if point.score <= before:
            break
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


def _along_weights(objective: Objective, point: Point, step: NDArray[np.float64]) -> Point:
    """Search the line through the point, as far as no weight falls below 0."""
    moving = np.abs(step) > _MIN_STEP
    if not moving.any():
        return point
    limits = -point.weights[moving] / step[moving]
    line = Line(
        point.weights,
        point.threshold,
        step,
        0.0,
        low=float(limits[step[moving] > 0].max()),
        high=float(limits[step[moving] < 0].min()),
    )
    return _best_on(objective, line, point) if line.high - line.low > _MIN_STEP else point


def _along_threshold(objective: Objective, point: Point) -> Point:
    span = objective.thresholds
    if span is None:
        return point
    line = Line(
        point.weights,
        point.threshold,
        np.zeros_like(point.weights),
        1.0,
        span.low - point.threshold,
        span.high - point.threshold,
    )
    return _best_on(objective, line, point)


def _best_on(objective: Objective, line: Line, point: Point) -> Point:
    """The middle of the best plateau of a line, if it is higher than the point."""
    place = widest_plateau(objective.profile(line), SLACK) / NUM_CELLS
    weights, threshold = line.at(line.low + place * (line.high - line.low))
    weights = np.maximum(weights, 0.0)
    found = _point(objective, weights / weights.sum(), threshold)
    return found if found.score > point.score + SLACK else point
