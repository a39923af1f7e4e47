"""What each member adds, and which of them to take where not all can be had.

Members are compared in ensembles that weigh theirs equally, threshold 0.5, so that nothing is
fitted but which of them take part. They join one after the other, each time the one with which the
mean score is the highest (Caruana and others, ICML 2004, without replacement). What a path of such
steps is worth is scored on images that it did not see: for each fold it is walked anew on the
others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import ConfigError
from ensemble.intervals import Interval, bootstrap_groups
from ensemble.tuning.candidates import Statistic
from ensemble.tuning.choice import GAIN_LEVEL
from ensemble.tuning.rules import DEFAULT_THRESHOLD, spread
from ensemble.wording import counted

# Members in the order in which they join, and how many of them it takes to know all classes.
_Path = tuple[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Limits:
    """What an ensemble may be: `members` at most, or `seconds` an image, as measured here."""

    members: int | None = None
    seconds: float | None = None

    @property
    def are_set(self) -> bool:
        """Whether anything is limited."""
        return self.members is not None or self.seconds is not None

    def allow(self, seconds: Iterable[float]) -> bool:
        """Whether members that take so long an image, each, may be together."""
        each = list(seconds)
        return (self.members is None or len(each) <= self.members) and (
            self.seconds is None or sum(each) <= self.seconds
        )


@dataclass(frozen=True, slots=True)
class MemberChoice:
    """What members are worth; M in all, K of them within the limits.

    `alone` (M,): the score of each. `loss_without` (M,): what the ensemble of all loses without it.
    `path`: K members in the order in which they join. `path_scores` (K, N): of each image, mean
    over classes, when the first k + 1 have joined, in a path that did not see its fold.
    `num_kept`: how many of the path are the best. `seconds` (M,) an image.
    """

    alone: NDArray[np.float64]
    loss_without: Interval | None
    path: tuple[int, ...]
    path_scores: NDArray[np.float64]
    num_kept: int
    seconds: NDArray[np.float64]

    @property
    def kept(self) -> list[int]:
        """The members to take, in their own order."""
        return sorted(self.path[: self.num_kept])

    def path_interval(self, groups: Sequence[str], *, seed: int) -> Interval:
        """The scores (K,) along the path, with intervals over groups."""
        return bootstrap_groups(self.path_scores.T, groups, level=GAIN_LEVEL, seed=seed)


def choose_members(
    statistic: Statistic,
    folds: NDArray[np.int64],
    groups: Sequence[str],
    *,
    seconds: NDArray[np.float64],
    limits: Limits,
    seed: int,
) -> MemberChoice:
    """Compare the members, and find the best of them within limits; `seconds` (M,) an image.

    Every class keeps a member that knows it. Raises ConfigError for limits that no ensemble keeps.
    """
    scores = _SubsetScores(statistic)

    def path_without(fold: int | None) -> _Path | None:
        seen = slice(None) if fold is None else folds != fold
        return _walk(
            statistic.present,
            lambda subset: float(scores(subset)[seen].mean()),
            lambda subset: limits.allow(seconds[m] for m in subset),
        )

    whole = path_without(None)
    if whole is None:
        raise _no_ensemble(seconds, limits)
    path, num_needed = whole
    path_scores = np.empty((len(path), len(folds)))
    for fold in np.unique(folds).tolist():
        inside = folds == fold
        own, _ = path_without(fold) or whole
        for k in range(len(path)):
            path_scores[k, inside] = scores(own[: k + 1])[inside]
    return MemberChoice(
        alone=np.array([scores([m]).mean() for m in range(scores.num_members)]),
        loss_without=_loss_without(scores, groups, seed) if scores.num_members > 1 else None,
        path=path,
        path_scores=path_scores,
        num_kept=num_needed + int(path_scores[num_needed - 1 :].mean(axis=1).argmax()),
        seconds=seconds,
    )


class _SubsetScores:
    """Scores (N,) of images, mean over classes, of ensembles of some members, each once."""

    def __init__(self, statistic: Statistic) -> None:
        self._statistic = statistic
        self._done: dict[frozenset[int], NDArray[np.float64]] = {}

    @property
    def num_members(self) -> int:
        """M."""
        return int(self._statistic.present.shape[1])

    def __call__(self, subset: Iterable[int]) -> NDArray[np.float64]:
        key = frozenset(subset)
        if key not in self._done:
            present = self._statistic.present
            weights = np.isin(np.arange(self.num_members), list(key)).astype(np.float64)
            rules = spread(weights, DEFAULT_THRESHOLD, present)
            self._done[key] = self._statistic.scores(rules).mean(axis=1)
        return self._done[key]


def _walk(
    present: NDArray[np.bool_],
    score: Callable[[Sequence[int]], float],
    is_allowed: Callable[[Sequence[int]], bool],
) -> _Path | None:
    """Members in the order in which they join, None if no allowed ones know all classes."""
    path: list[int] = []

    def best(candidates: Iterable[int]) -> list[int]:
        left = [m for m in candidates if m not in path and is_allowed([*path, m])]
        return [max(left, key=lambda m: score([*path, m]))] if left else []

    for knows_class in present:
        if not knows_class[path].any():
            path += (joining := best(np.flatnonzero(knows_class).tolist()))
            if not joining:
                return None
    num_needed = len(path)
    while joining := best(range(present.shape[1])):
        path += joining
    return tuple(path), num_needed


def _loss_without(scores: _SubsetScores, groups: Sequence[str], seed: int) -> Interval:
    everyone = range(scores.num_members)
    whole = scores(everyone)
    losses = [whole - scores(m for m in everyone if m != left_out) for left_out in everyone]
    return bootstrap_groups(np.stack(losses, axis=1), groups, level=GAIN_LEVEL, seed=seed)


def _no_ensemble(seconds: NDArray[np.float64], limits: Limits) -> ConfigError:
    return ConfigError(
        "no members that know all classes keep to the limits together",
        expected=_limits_text(limits),
        got=f"{counted(len(seconds), 'member')}, the fastest takes {seconds.min():.3g} s an image",
    )


def _limits_text(limits: Limits) -> str:
    parts = [] if limits.members is None else [f"at most {counted(limits.members, 'member')}"]
    if limits.seconds is not None:
        parts.append(f"at most {limits.seconds:g} s an image")
    return ", ".join(parts)
