"""Which candidate to keep, decided and scored on images that no fit has seen.

Folds are whole groups (people). Every candidate is fitted on all folds but one and scored on that
one. The simple rule is the best of uniform, best single and shared by that score; a class gets
rules of its own only where their gain over the simple rule is real (choose). Since the choice is
made on these very scores, the score of what is kept comes from an outer loop: for each fold the
same choice is made again from the other folds alone, and only its result is scored on the fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import DataError
from ensemble.intervals import Interval, bootstrap_groups
from ensemble.progress import Progress
from ensemble.splits import grouped_folds
from ensemble.tuning.candidates import (
    SIMPLE,
    Candidate,
    Candidates,
    Statistic,
    fit_candidates,
)
from ensemble.tuning.rules import Rules
from ensemble.wording import counted

# Lower end of this interval above 0: a gain is called real, wrongly in 1 case of 20.
GAIN_LEVEL = 0.9

Scores = dict[Candidate, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Choice:
    """The simple rule, and the classes (C,) bool that are tuned, for what gain (C,) over it.

    `gain` is None where classes are not tuned.
    """

    simple: Candidate
    tuned: NDArray[np.bool_]
    gain: Interval | None

    def apply(self, candidates: Candidates) -> Rules:
        """The rules that this choice makes of fitted candidates."""
        simple = candidates[self.simple]
        return simple.take(candidates["tuned"], self.tuned) if self.gain else simple


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """`candidates`: fitted on all images. `scores`: (N, C) Dice of every candidate, each image by
    a fit that did not see it. `kept`: (N, C) Dice of the whole procedure, choice and all,
    on images that neither fit nor choice saw; None with two folds, which leave nothing to choose
    on. `folds` (N,); `num_seen` (C,): in how many images a class is.
    """

    candidates: Candidates
    choice: Choice
    scores: Scores
    kept: NDArray[np.float64] | None
    folds: NDArray[np.int64]
    num_seen: NDArray[np.int64]

    @property
    def rules(self) -> Rules:
        """What the choice makes of the candidates."""
        return self.choice.apply(self.candidates)


def cross_validate(
    statistic: Statistic,
    groups: Sequence[str],
    *,
    num_folds: int,
    seed: int,
    progress: Progress,
) -> CrossValidation:
    """Choose, fit and score; `groups` (N,) are the people. Raises DataError for fewer than two.

    With fewer groups than folds every group is a fold of its own.
    """
    check_groups(groups)
    folds = grouped_folds(groups, min(num_folds, len(set(groups))), seed)
    count = int(folds.max()) + 1
    nested = count > 2
    with progress("fitting", 1 + count + nested * count * (count - 1) // 2) as advance:
        fits = _Fits(statistic, folds, seed, advance)
        scores = _out_of_fold(fits, frozenset())
        num_seen = statistic.num_seen(np.arange(len(folds)))
        choice = choose(scores, groups, seen=num_seen > 0, seed=seed)
        kept = _nested(fits, groups) if nested else None
        candidates = fits(frozenset())
    return CrossValidation(candidates, choice, scores, kept, folds, num_seen)


def check_groups(groups: Sequence[str]) -> None:
    """Raise DataError for fewer than two groups."""
    if len(set(groups)) < 2:
        raise DataError(
            "tuning needs images of two people or more, to score on people that it has not seen",
            got=f"{counted(len(groups), 'image')} of {len(set(groups))}",
            remedy="tell people apart with --groups REGEX, or predict without --weights: then "
            "every member weighs the same",
        )


def choose(scores: Scores, groups: Sequence[str], *, seen: NDArray[np.bool_], seed: int) -> Choice:
    """The choice that scores (n, C) of n images call for.

    A class is tuned if the lower end of the GAIN_LEVEL interval of its gain, a paired bootstrap
    over groups, is above 0, and if it is anywhere in the truth (`seen`): what is best for a class
    without a pixel is to predict none.
    """
    simple = max(SIMPLE, key=lambda name: float(scores[name].mean()))
    if "tuned" not in scores:
        return Choice(simple, np.zeros(scores[simple].shape[1], np.bool_), None)
    gain = bootstrap_groups(scores["tuned"] - scores[simple], groups, level=GAIN_LEVEL, seed=seed)
    return Choice(simple, (gain.low > 0) & seen, gain)


class _Fits:
    """Candidates fitted without some folds, each set of folds once."""

    def __init__(
        self,
        statistic: Statistic,
        folds: NDArray[np.int64],
        seed: int,
        advance: Callable[[int], None],
    ) -> None:
        self.statistic = statistic
        self.folds = folds
        self.seed = seed
        self._advance = advance
        self._done: dict[frozenset[int], Candidates] = {}

    def __call__(self, without: frozenset[int]) -> Candidates:
        if without not in self._done:
            images = np.flatnonzero(~np.isin(self.folds, list(without)))
            self._done[without] = fit_candidates(self.statistic, images, seed=self.seed)
            self._advance(1)
        return self._done[without]


def _out_of_fold(fits: _Fits, outside: frozenset[int]) -> Scores:
    """Dice (n, C) of each candidate on the n images that lie in no fold of `outside`."""
    inside = ~np.isin(fits.folds, list(outside))
    parts: dict[Candidate, NDArray[np.float64]] = {}
    for fold in sorted(set(fits.folds[inside].tolist())):
        images = np.flatnonzero(fits.folds == fold)
        for name, rules in fits(outside | {fold}).items():
            dice = fits.statistic.dice(rules, images)
            part = parts.setdefault(name, np.empty((len(fits.folds), dice.shape[1])))
            part[images] = dice
    return {name: part[inside] for name, part in parts.items()}


def _nested(fits: _Fits, groups: Sequence[str]) -> NDArray[np.float64]:
    """Dice (N, C) of choosing and fitting without a fold, on that fold, for every fold."""
    kept: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    for fold in range(int(fits.folds.max()) + 1):
        outside = frozenset({fold})
        others = np.flatnonzero(fits.folds != fold)
        choice = choose(
            _out_of_fold(fits, outside),
            [groups[int(i)] for i in others],
            seen=fits.statistic.num_seen(others) > 0,
            seed=fits.seed,
        )
        images = np.flatnonzero(fits.folds == fold)
        kept.append((images, fits.statistic.dice(choice.apply(fits(outside)), images)))
    order = np.argsort(np.concatenate([images for images, _ in kept]))
    scores: NDArray[np.float64] = np.concatenate([dice for _, dice in kept])[order]
    return scores
