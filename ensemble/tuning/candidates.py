"""The rules that tuning chooses among, fitted on some of the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.metrics import Grading
from ensemble.streaming import Mapper
from ensemble.tuning.rules import DEFAULT_THRESHOLD, Rules, spread
from ensemble.tuning.search import Objective, Point, polish, search, survey

# best_single: the member that is best over all classes, alone, threshold 0.5.
# uniform: every member equally, threshold 0.5.
# shared: one weight vector and one threshold for all classes.
# tuned: weights and a threshold for each class.
Candidate = Literal["uniform", "best_single", "shared", "tuned"]

# From simple to less simple: of equal scores the first is chosen.
SIMPLE: tuple[Candidate, ...] = ("uniform", "best_single", "shared")

Candidates = dict[Candidate, Rules]

# Tuples on which rules are searched: of 29 classes that leaves 70,000 each. The one rule for all
# has no more parameters than that of a class, and is polished on a sample too.
_MOST_SEARCHED = 2_000_000
_MOST_SHARED, _MOST_POLISHED = 500_000, 8_000_000


class Statistic(Protocol):
    """What candidates are fitted on: the scores of N images and C classes under any rules."""

    @property
    def present(self) -> NDArray[np.bool_]:
        """(C, M): which member has which class."""
        ...

    @property
    def num_images(self) -> int:
        """N."""
        ...

    def num_seen(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """(C,): in how many of the images each class is."""
        ...

    @property
    def tunes_classes(self) -> bool:
        """Whether each class can have its own rule, or only one weight vector for all."""
        ...

    def for_members(self, members: Sequence[int]) -> Statistic:
        """What it says of some of the members, each class being known to one of them."""
        ...

    def in_threads(self, mapper: Mapper) -> Statistic:
        """The same, but sums are taken by the `map` of threads."""
        ...

    def thinned(self, most: int) -> Statistic:
        """What stands for all of it in about `most` tuples or fewer, where it can be thinned."""
        ...

    def overlaps(self, rules: Rules, images: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """(n, C, 3) as `Metric.scores` takes them, of the chosen images, by default all."""
        ...

    def scores(self, rules: Rules, images: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Scores (n, C) of the chosen images, by default all; their mean is the metric."""
        ...

    @property
    def grading(self) -> Grading:
        """How overlaps are graded."""
        ...

    def graded(self, grading: Grading) -> Statistic:
        """The same, graded otherwise."""
        ...

    def objective(
        self, images: NDArray[np.int64], classes: NDArray[np.int64] | None = None
    ) -> Objective:
        """The metric of images, mean over classes, by default all, under one weight vector."""
        ...


class Fitter:
    """Fits candidates to some of a statistic's images.

    Where there are very many tuples each rule is searched on a sample of them, and what is found is
    polished on all. `mapper` is the `map` of threads: classes are searched side by side.
    """

    def __init__(self, statistic: Statistic, mapper: Mapper = map) -> None:
        self._statistic = statistic
        self._sample = statistic.thinned(_MOST_SEARCHED)
        self._mapper = mapper

    def fit(self, images: NDArray[np.int64], *, seed: int) -> Candidates:
        """Every candidate fitted on the images; `tuned` only where the statistic tunes classes."""
        present = self._statistic.present
        uniform = np.full(present.shape[1], 1 / present.shape[1])
        shared = self._shared(images, seed)
        candidates: Candidates = {
            "uniform": spread(uniform, DEFAULT_THRESHOLD, present),
            "best_single": self._best_single(images),
            "shared": spread(shared.weights, shared.threshold, present),
        }
        if self._statistic.tunes_classes:
            candidates["tuned"] = self._tuned(images, candidates["shared"], seed)
        return candidates

    def fit_class(
        self,
        c: int,
        images: NDArray[np.int64],
        starts: Sequence[tuple[NDArray[np.float64], float]] = (),
        *,
        seed: int,
    ) -> Point:
        """The best rule of one class alone; other starts as `search` takes them."""

        def objective(statistic: Statistic) -> Objective:
            return statistic.objective(images, np.array([c]))

        return _best_of(objective, self._statistic, self._sample, starts, seed)

    def _best_single(self, images: NDArray[np.int64]) -> Rules:
        present = self._statistic.present
        singles = [
            spread(vertex, DEFAULT_THRESHOLD, present) for vertex in np.eye(present.shape[1])
        ]
        return max(singles, key=lambda rules: float(self._statistic.scores(rules, images).mean()))

    def _shared(self, images: NDArray[np.int64], seed: int) -> Point:
        """One rule for all classes, whose sums are shared among the threads."""

        def objective(statistic: Statistic) -> Objective:
            return statistic.in_threads(self._mapper).objective(images)

        sample = self._sample.thinned(_MOST_SHARED)
        return _best_of(objective, self._statistic.thinned(_MOST_POLISHED), sample, [], seed)

    def _tuned(self, images: NDArray[np.int64], shared: Rules, seed: int) -> Rules:
        """The best rule of each class alone, searched from the shared one among others."""

        def fit(c: int) -> Point:
            start = (shared.weights[c], float(shared.thresholds[c]))
            return self.fit_class(c, images, [start], seed=seed)

        points = list(self._mapper(fit, range(len(self._statistic.present))))
        return Rules(
            np.stack([point.weights for point in points]),
            np.array([point.threshold for point in points]),
        )


def _best_of(
    objective: Callable[[Statistic], Objective],
    statistic: Statistic,
    sample: Statistic,
    starts: Sequence[tuple[NDArray[np.float64], float]],
    seed: int,
) -> Point:
    """The best rule by a statistic, looked for on a sample of it if that is another."""
    if sample is statistic:
        return search(objective(statistic), starts, seed=seed)
    return polish(objective(statistic), survey(objective(sample), starts, seed=seed), seed=seed)
