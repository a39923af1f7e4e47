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
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import ConfigError
from ensemble.intervals import SCORES, Interval, bootstrap_groups
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

    `alone` (M,): the score of each; a class that it lacks is predicted nowhere. `loss_without`
    (M,): what the ensemble of all loses without it. `path`: K members in the order in which they
    join. `path_scores` (K, N): of each image, mean over classes, when the first k + 1 have joined,
    in a path that did not see its fold. `num_kept`: how many of the path are the best. `seconds`
    (M,) an image.
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
        return bootstrap_groups(
            self.path_scores.T, groups, level=GAIN_LEVEL, seed=seed, limits=SCORES
        )


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
    subsets = Subsets(statistic)
    everyone = np.arange(len(folds))

    def path_on(images: NDArray[np.int64]) -> _Path | None:
        return _walk(
            statistic.present,
            lambda subset: float(subsets.scores(subset, images).mean()),
            lambda subset: limits.allow(seconds[m] for m in subset),
        )

    whole = path_on(everyone)
    if whole is None:
        raise _no_ensemble(seconds, limits)
    path, num_needed = whole
    overlaps = np.empty((len(path), len(folds), len(statistic.present), 3), np.int64)
    for fold in np.unique(folds).tolist():
        inside = folds == fold
        own, _ = path_on(np.flatnonzero(~inside)) or whole  # limits do not depend on images
        for k in range(len(path)):
            overlaps[k, inside] = subsets.overlaps(own[: k + 1])[inside]
    path_scores = np.stack([statistic.grading.scores(each).mean(axis=1) for each in overlaps])
    num_members = statistic.present.shape[1]
    return MemberChoice(
        alone=np.array([subsets.scores([m], everyone).mean() for m in range(num_members)]),
        loss_without=_loss_without(subsets, groups, seed) if num_members > 1 else None,
        path=path,
        path_scores=path_scores,
        num_kept=num_needed + int(path_scores[num_needed - 1 :].mean(axis=1).argmax()),
        seconds=seconds,
    )


class Subsets:
    """What ensembles of some members predict, each asked for once.

    Nothing is predicted of a class that none of them knows.
    """

    def __init__(self, statistic: Statistic) -> None:
        self._statistic = statistic
        self._done: dict[frozenset[int], NDArray[np.int64]] = {}

    @property
    def num_members(self) -> int:
        """M."""
        return int(self._statistic.present.shape[1])

    @property
    def num_images(self) -> int:
        """N."""
        return self._statistic.num_images

    def overlaps(self, subset: Iterable[int]) -> NDArray[np.int64]:
        """(N, C, 3) as `Metric.scores` takes them."""
        key = frozenset(subset)
        if key not in self._done:
            present = self._statistic.present
            weights = np.isin(np.arange(self.num_members), list(key)).astype(np.float64)
            found = self._statistic.overlaps(spread(weights, DEFAULT_THRESHOLD, present))
            found[:, ~present[:, list(key)].any(axis=1), :2] = 0
            self._done[key] = found
        return self._done[key]

    def scores(self, subset: Iterable[int], images: NDArray[np.int64]) -> NDArray[np.float64]:
        """Scores (n,) of the chosen images, mean over classes."""
        graded = self._statistic.grading.scores(self.overlaps(subset)[images], images)
        return np.asarray(graded.mean(axis=1))


def _walk(
    present: NDArray[np.bool_],
    score: Callable[[Sequence[int]], float],
    is_allowed: Callable[[Sequence[int]], bool],
) -> _Path | None:
    """Members in the order in which they join, None if no allowed ones know all classes."""
    needed = _smallest_cover(present, score, is_allowed)
    if needed is None:
        return None
    path = list(needed)
    while left := [m for m in range(present.shape[1]) if m not in path and is_allowed([*path, m])]:
        path.append(max(left, key=lambda m: score([*path, m])))
    return tuple(path), len(needed)


def _smallest_cover(
    present: NDArray[np.bool_],
    score: Callable[[Sequence[int]], float],
    is_allowed: Callable[[Sequence[int]], bool],
) -> tuple[int, ...] | None:
    """The fewest allowed members that know all classes together, of equally few the best."""
    everyone = range(present.shape[1])
    for size in range(1, present.shape[1] + 1):
        covers = [
            subset
            for subset in combinations(everyone, size)
            if present[:, subset].any(axis=1).all() and is_allowed(subset)
        ]
        if covers:
            return max(covers, key=score)
    return None


def _loss_without(subsets: Subsets, groups: Sequence[str], seed: int) -> Interval:
    everyone, images = range(subsets.num_members), np.arange(subsets.num_images)
    whole = subsets.scores(everyone, images)
    losses = [
        whole - subsets.scores([m for m in everyone if m != left_out], images)
        for left_out in everyone
    ]
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
