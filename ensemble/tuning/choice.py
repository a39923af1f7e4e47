"""How far each class goes from the simple rule towards its own optimum: where it gains surest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.intervals import Interval, bootstrap_groups
from ensemble.tuning.candidates import SIMPLE, Candidate, Candidates
from ensemble.tuning.rules import Rules

# Lower end of this interval above 0: a gain is called real, wrongly in 1 case of 20.
GAIN_LEVEL = 0.9

# How far a class may go from the simple rule towards its own optimum. That optimum is fitted to few
# images and lies too far out: part of the way is the surer gain.
SHARES = (0.25, 0.5, 0.75, 1.0)

# By share of the way to the classes' own optima: scores (n, C).
ScoresOnTheWay = Mapping[float, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Choice:
    """The simple rule, and how far (C,) each class goes from it to its own, for what gain (C,).

    `shares` are 0 for classes that stay. `gain` is None where classes are not tuned.
    """

    simple: Candidate
    shares: NDArray[np.float64]
    gain: Interval | None

    @property
    def tuned(self) -> NDArray[np.bool_]:
        """(C,): the classes that leave the simple rule."""
        return self.shares > 0

    def apply(self, candidates: Candidates) -> Rules:
        """The rules that this choice makes of fitted candidates."""
        simple = candidates[self.simple]
        return simple.towards(candidates["tuned"], self.shares) if self.gain else simple


def simple_rule(
    scores: Mapping[Candidate, NDArray[np.float64]], groups: Sequence[str], *, seed: int
) -> Candidate:
    """Uniform weights, unless another simple rule surely gains over them, by scores (n, C)."""
    means = {name: scores[name].mean(axis=1, keepdims=True) for name in SIMPLE}
    uniform, others = means.pop("uniform"), list(means)
    (surest,), _ = surest_gain(uniform, list(means.values()), groups, seed=seed)
    return others[surest] if surest >= 0 else "uniform"


def on_the_way(candidates: Candidates, *, simple: Candidate, share: float) -> Rules:
    """All classes at one share of their way from the simple rule to their own optima."""
    own = candidates["tuned"]
    return candidates[simple].towards(own, np.full(len(own.thresholds), share))


def choose(
    simple: Candidate,
    scores: NDArray[np.float64],
    on_the_way: ScoresOnTheWay,
    groups: Sequence[str],
    *,
    seen: NDArray[np.bool_],
    seed: int,
) -> Choice:
    """How far each class goes, by the scores (n, C) of the simple rule and those on the way.

    The gain of each share over the simple rule has an interval of GAIN_LEVEL, a paired bootstrap
    over groups. The share whose lower end is the highest is taken if that is above 0, and if the
    class is anywhere in the truth (`seen`): what is best for a class without a pixel is to predict
    none.
    """
    way, gain = surest_gain(scores, list(on_the_way.values()), groups, seed=seed)
    shares = np.where((way >= 0) & seen, np.array(list(on_the_way))[way], 0.0)
    return Choice(simple, shares, gain)


def surest_gain(
    scores: NDArray[np.float64],
    others: Sequence[NDArray[np.float64]] | NDArray[np.float64],
    groups: Sequence[str],
    *,
    seed: int,
) -> tuple[NDArray[np.int64], Interval]:
    """For each class the one of the others (n, C) that surely gains over scores (n, C), or -1.

    It is the one whose gain has the highest lower end, if that is above 0; and that gain, (C,).
    """
    gains = [
        bootstrap_groups(other - scores, groups, level=GAIN_LEVEL, seed=seed) for other in others
    ]
    ends = np.array([[gain.mean, gain.low, gain.high] for gain in gains])
    surest = ends[:, 1].argmax(axis=0)
    gain = Interval(*ends[surest, :, np.arange(len(surest))].T)
    return np.where(gain.low > 0, surest, -1), gain
