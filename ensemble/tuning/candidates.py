"""The rules that tuning chooses among, fitted on some of the images."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.streaming import Mapper
from ensemble.tuning.rules import DEFAULT_THRESHOLD, Rules, spread
from ensemble.tuning.search import Objective, search

# best_single: the member that is best over all classes, alone, threshold 0.5.
# uniform: every member equally, threshold 0.5.
# shared: one weight vector and one threshold for all classes.
# tuned: weights and a threshold for each class.
Candidate = Literal["uniform", "best_single", "shared", "tuned"]

# From simple to less simple: of equal scores the first is chosen.
SIMPLE: tuple[Candidate, ...] = ("uniform", "best_single", "shared")

Candidates = dict[Candidate, Rules]

# Tuples on which the one rule for all classes is searched: it has as many parameters as the rule of
# a single class.
_MOST_SHARED = 2_000_000


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

    def in_threads(self, mapper: Mapper) -> Statistic:
        """The same, but sums are taken by the `map` of threads."""
        ...

    def thinned(self, most: int) -> Statistic:
        """What stands for all of it in about `most` tuples or fewer, where it can be thinned."""
        ...

    def dice(self, rules: Rules, images: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Dice (n, C) of the chosen images, by default all."""
        ...

    def objective(
        self, images: NDArray[np.int64], classes: NDArray[np.int64] | None = None
    ) -> Objective:
        """Mean Dice of images over classes, by default all, under one weight vector."""
        ...


def fit_candidates(statistic: Statistic, images: NDArray[np.int64], *, seed: int) -> Candidates:
    """Every candidate fitted on the images; `tuned` only where the statistic tunes classes."""
    num_members = statistic.present.shape[1]
    uniform = np.full(num_members, 1 / num_members)
    candidates: Candidates = {
        "uniform": spread(uniform, DEFAULT_THRESHOLD, statistic.present),
        "best_single": _best_single(statistic, images),
    }
    best = search(statistic.thinned(_MOST_SHARED).objective(images), [], seed=seed)
    candidates["shared"] = spread(best.weights, best.threshold, statistic.present)
    if statistic.tunes_classes:
        candidates["tuned"] = _tuned(statistic, images, candidates["shared"], seed=seed)
    return candidates


def _best_single(statistic: Statistic, images: NDArray[np.int64]) -> Rules:
    singles = [
        spread(vertex, DEFAULT_THRESHOLD, statistic.present)
        for vertex in np.eye(statistic.present.shape[1])
    ]
    return max(singles, key=lambda rules: float(statistic.dice(rules, images).mean()))


def _tuned(statistic: Statistic, images: NDArray[np.int64], shared: Rules, *, seed: int) -> Rules:
    """The best rule of each class alone, searched from the shared one among others."""
    points = [
        search(
            statistic.objective(images, np.array([c])),
            [(shared.weights[c], float(shared.thresholds[c]))],
            seed=seed,
        )
        for c in range(len(statistic.present))
    ]
    return Rules(
        np.stack([point.weights for point in points]),
        np.array([point.threshold for point in points]),
    )
