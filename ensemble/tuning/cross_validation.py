"""Which rules to keep, decided and scored on images that no fit has seen.

Folds are whole groups (people). Every candidate is fitted on all folds but one and scored on that
one. The simple rule is uniform unless best single or shared surely gains by that score: which of
three alike is the best by chance differs from fold to fold, and costs. A class then goes
from it towards its own optimum, a quarter, half, three quarters or all of the way, as far as its
gain is surest, and only if it is real (choose). Since the choice is made on these very scores, the
score of what is kept comes from an outer loop: for each fold the same choice is made again from the
other folds alone, and only its result is scored on the fold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from ensemble.cores import num_cores
from ensemble.data.folds import grouped_folds
from ensemble.errors import DataError
from ensemble.intervals import bootstrap_groups
from ensemble.progress import Progress
from ensemble.streaming import Mapper, Stripes
from ensemble.tuning.candidates import Candidate, Candidates, Fitter, Statistic
from ensemble.tuning.choice import GAIN_LEVEL, SHARES, Choice, choose, on_the_way, simple_rule
from ensemble.tuning.rules import Rules
from ensemble.wording import counted

Scores = dict[Candidate, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """`candidates`: fitted on all images. `scores`: (N, C) of every candidate, each image by
    a fit that did not see it. `kept`: (N, C) scores of the whole procedure, choice and all,
    on images that neither fit nor choice saw; None with two folds, which leave nothing to choose
    on. `folds` (N,); `num_seen` (C,): in how many images a class is.
    `fold_rules`: for every fold those that the others call for, () with two folds. `is_raw`: see
    `with_raw_optimum`.
    """

    candidates: Candidates
    choice: Choice
    scores: Scores
    kept: NDArray[np.float64] | None
    folds: NDArray[np.int64]
    num_seen: NDArray[np.int64]
    fold_rules: tuple[Rules, ...] = ()
    is_raw: bool = False

    @property
    def rules(self) -> Rules:
        """What the choice makes of the candidates."""
        return self.choice.apply(self.candidates)

    def with_raw_optimum(self, groups: Sequence[str], *, seed: int) -> CrossValidation:
        """Every class at its own optimum, gain or no gain, for people who want it all the same.

        Nothing is chosen then, so that its out-of-fold score is that of what is kept. Where classes
        share one weight vector this is that.
        """
        if self.choice.gain is None:
            return self
        own, simple = self.scores["tuned"], self.choice.simple
        gain = bootstrap_groups(own - self.scores[simple], groups, level=GAIN_LEVEL, seed=seed)
        choice = Choice(simple, np.ones(own.shape[1]), gain)
        return replace(self, choice=choice, kept=own, fold_rules=(), is_raw=True)


def cross_validate(
    statistic: Statistic,
    groups: Sequence[str],
    *,
    num_folds: int,
    seed: int,
    progress: Progress,
) -> CrossValidation:
    """Choose, fit and score; `groups` (N,) are the people, in folds as `draw_folds` makes them."""
    folds = draw_folds(groups, num_folds, seed)
    count = int(folds.max()) + 1
    nested = count > 2
    num_fits = 1 + count + nested * count * (count - 1) // 2
    with Stripes(num_cores()) as stripes, progress("fitting", num_fits) as advance:
        fits = _Fits(statistic, folds, seed=seed, mapper=stripes.map, advance=advance)
        everything: frozenset[int] = frozenset()
        scores = _out_of_fold(fits, everything)
        choice = _choose(fits, scores, everything, groups)
        fold_rules = _nested_rules(fits, groups) if nested else ()
        kept = _score_folds(fits, fold_rules) if nested else None
        candidates = fits(everything)
    num_seen = statistic.num_seen(np.arange(len(folds)))
    return CrossValidation(candidates, choice, scores, kept, folds, num_seen, fold_rules)


def draw_folds(groups: Sequence[str], num_folds: int, seed: int) -> NDArray[np.int64]:
    """The fold (N,) of each image; with fewer groups than folds every group is one of its own.

    Raises DataError for fewer than two groups.
    """
    check_groups(groups)
    return grouped_folds(groups, min(num_folds, len(set(groups))), seed)


def check_groups(groups: Sequence[str]) -> None:
    """Raise DataError for fewer than two groups."""
    if len(set(groups)) < 2:
        raise DataError(
            "tuning needs images of two people or more, to score on people that it has not seen",
            got=f"{counted(len(groups), 'image')} of {len(set(groups))}",
            remedy="tell people apart with --groups REGEX, or predict without --weights: then "
            "every member weighs the same",
        )


class _Fits:
    """Candidates fitted without some folds, each set of folds once."""

    def __init__(
        self,
        statistic: Statistic,
        folds: NDArray[np.int64],
        *,
        seed: int,
        mapper: Mapper,
        advance: Callable[[int], None],
    ) -> None:
        self.statistic = statistic
        self._fitter = Fitter(statistic, mapper)
        self.folds = folds
        self.seed = seed
        self._advance = advance
        self._done: dict[frozenset[int], Candidates] = {}

    def __call__(self, without: frozenset[int]) -> Candidates:
        if without not in self._done:
            images = np.flatnonzero(~np.isin(self.folds, list(without)))
            self._done[without] = self._fitter.fit(images, seed=self.seed)
            self._advance(1)
        return self._done[without]


def _score(
    fits: _Fits, outside: frozenset[int], rules_of: Callable[[Candidates], Rules]
) -> NDArray[np.float64]:
    """Scores (n, C) of what each fit says, on the n images that lie in no fold of `outside`."""
    inside = ~np.isin(fits.folds, list(outside))
    overlaps = np.empty((len(fits.folds), len(fits.statistic.present), 3), np.int64)
    for fold in np.unique(fits.folds[inside]).tolist():
        images = np.flatnonzero(fits.folds == fold)
        overlaps[images] = fits.statistic.overlaps(rules_of(fits(outside | {fold})), images)
    return fits.statistic.grading.scores(overlaps[inside], np.flatnonzero(inside))


def _out_of_fold(fits: _Fits, outside: frozenset[int]) -> Scores:
    """Scores (n, C) of each candidate on the n images that lie in no fold of `outside`."""
    return {name: _score(fits, outside, itemgetter(name)) for name in fits(outside)}


def _choose(fits: _Fits, scores: Scores, outside: frozenset[int], groups: Sequence[str]) -> Choice:
    """The choice that out-of-fold scores of the images in no fold of `outside` call for."""
    images = np.flatnonzero(~np.isin(fits.folds, list(outside)))
    people = [groups[int(i)] for i in images]
    simple = simple_rule(scores, people, seed=fits.seed)
    if not fits.statistic.tunes_classes:
        return Choice(simple, np.zeros(len(fits.statistic.present)), None)
    return choose(
        simple,
        scores[simple],
        {
            share: _score(fits, outside, partial(on_the_way, simple=simple, share=share))
            for share in SHARES
        },
        people,
        seen=fits.statistic.num_seen(images) > 0,
        seed=fits.seed,
    )


def _nested_rules(fits: _Fits, groups: Sequence[str]) -> tuple[Rules, ...]:
    """For every fold the rules that choosing and fitting without it gives."""
    rules = []
    for fold in range(int(fits.folds.max()) + 1):
        outside = frozenset({fold})
        choice = _choose(fits, _out_of_fold(fits, outside), outside, groups)
        rules.append(choice.apply(fits(outside)))
    return tuple(rules)


def _score_folds(fits: _Fits, fold_rules: Sequence[Rules]) -> NDArray[np.float64]:
    """Scores (N, C) of every fold under its own rules."""
    overlaps = np.empty((len(fits.folds), len(fits.statistic.present), 3), np.int64)
    for fold, rules in enumerate(fold_rules):
        images = np.flatnonzero(fits.folds == fold)
        overlaps[images] = fits.statistic.overlaps(rules, images)
    return fits.statistic.grading.scores(overlaps)
