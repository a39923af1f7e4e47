"""Ensembles of some of the members: what each scores, how long it takes, which are worth it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from ensemble.tuning.candidates import Statistic
from ensemble.tuning.member_choice import Subsets

# Of more members only pairs, and all but one, are tried beside the path.
_MOST_FOR_ALL = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ensemble by its members' names, its score, and the seconds that an image takes."""

    name: str
    score: float
    seconds: float


def score_subsets(
    statistic: Statistic, names: Sequence[str], seconds: NDArray[np.float64]
) -> list[Candidate]:
    """Ensembles of all subsets that know every class, members weighing the same at .5.

    Of more than six members: one, two, all but one, all, and as they join one after the other.
    """
    subsets, everyone = Subsets(statistic), np.arange(statistic.num_images)

    def score(subset: Iterable[int]) -> float:
        return float(subsets.scores(subset, everyone).mean())

    tried = {frozenset(subset) for subset in _some(len(names))}
    tried |= _joining(len(names), score)
    return [
        Candidate(
            " + ".join(names[m] for m in sorted(subset)),
            score(subset),
            float(seconds[sorted(subset)].sum()),
        )
        for subset in sorted(tried, key=lambda each: (len(each), sorted(each)))
        if statistic.present[:, sorted(subset)].any(axis=1).all()
    ]


def on_the_frontier(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those than which no other is both as fast and better, the fastest first."""
    best: list[Candidate] = []
    for each in sorted(candidates, key=lambda one: (one.seconds, -one.score)):
        if not best or each.score > best[-1].score:
            best.append(each)
    return best


def _some(num_members: int) -> Iterable[tuple[int, ...]]:
    sizes = {1, 2, num_members - 1, num_members}
    if num_members <= _MOST_FOR_ALL:
        sizes = set(range(1, num_members + 1))
    everyone = range(num_members)
    return chain.from_iterable(combinations(everyone, size) for size in sorted(sizes - {0}))


def _joining(num_members: int, score: Callable[[Sequence[int]], float]) -> set[frozenset[int]]:
    """Ensembles along the path on which each time the member joins that helps most."""
    path: list[int] = []
    found = set()
    while left := [m for m in range(num_members) if m not in path]:
        path.append(max(left, key=lambda m: score([*path, m])))
        found.add(frozenset(path))
    return found


def pair_gains(statistic: Statistic) -> NDArray[np.float64]:
    """(M, M): what two members gain together over the better of them; 0 on the diagonal."""
    subsets, everyone = Subsets(statistic), np.arange(statistic.num_images)
    num_members = statistic.present.shape[1]
    alone = [float(subsets.scores([m], everyone).mean()) for m in range(num_members)]
    gains = np.zeros((num_members, num_members))
    for a, b in combinations(range(num_members), 2):
        together = float(subsets.scores([a, b], everyone).mean())
        gains[a, b] = gains[b, a] = together - max(alone[a], alone[b])
    return gains
