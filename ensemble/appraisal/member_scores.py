"""What members score alone, and what the ensemble scores without each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.tuning.candidates import Statistic
from ensemble.tuning.rules import DEFAULT_THRESHOLD, Rules, spread

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MemberScores:
    """Scores of M members, N images and C classes, without filters.

    `alone` (M, N, C): at the threshold .5, NaN for a class that the member lacks. `without`
    (M, N, C): of the ensemble when a member is left out and the others keep their weights, NaN
    where nobody else has the class. `together`, `uniform` (N, C): of the ensemble as it is, and
    when all members weigh the same at .5.
    """

    alone: Floats
    without: Floats
    together: Floats
    uniform: Floats

    @property
    def losses(self) -> Floats:
        """(M, N, C): what is lost without each member."""
        return np.asarray(self.together - self.without)


def score_members(statistic: Statistic, rules: Rules) -> MemberScores:
    """The scores that a statistic gives under rules, and under those without each member."""
    present = statistic.present
    num_members = present.shape[1]
    everyone = np.full(num_members, 1 / num_members)
    alone = []
    for one, has in zip(np.eye(num_members), present.T, strict=True):
        scores = statistic.scores(spread(one, DEFAULT_THRESHOLD, present))
        alone.append(np.where(has, scores, np.nan))
    return MemberScores(
        alone=np.stack(alone),
        without=np.stack([_without(statistic, rules, m) for m in range(num_members)]),
        together=statistic.scores(rules),
        uniform=statistic.scores(spread(everyone, DEFAULT_THRESHOLD, present)),
    )


def _without(statistic: Statistic, rules: Rules, member: int) -> Floats:
    """Scores (N, C); the others share a class of which the member had all the weight."""
    left = statistic.present.copy()
    left[:, member] = False
    is_known = left.any(axis=1)
    weights = np.where(left, rules.weights, 0.0)
    weights = np.where(weights.any(axis=1, keepdims=True), weights, left)
    weights[~is_known] = rules.weights[~is_known]
    kept = Rules(weights / weights.sum(axis=1, keepdims=True), rules.thresholds)
    return np.where(is_known, statistic.scores(kept), np.nan)
