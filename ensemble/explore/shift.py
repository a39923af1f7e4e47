"""How the images of one folder differ from those of another, without any label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import Sample
from ensemble.data.folds import grouped_folds
from ensemble.explore.looks import FOREGROUND, QUANTILES, Looks
from ensemble.explore.shapes import from_mean_direction
from ensemble.odds import out_of_fold_odds

_NUM_FOLDS = 5
_NUM_SHUFFLES = 500
# Of the classifier, which is slower.
_NUM_CLASSIFIER_SHUFFLES = 40
_CHANCE = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FeatureShift:
    """One figure of the images here and there: how its distributions differ.

    `distance`: the largest difference between the two cumulative distributions (Kolmogorov and
    Smirnov), 0 to 1. `outside`: the share of the others beyond the 5th and 95th percentile here.
    """

    name: str
    ours: Floats
    theirs: Floats
    distance: float
    outside: float


@dataclass(frozen=True, slots=True)
class Shift:
    """How N images here and M others differ.

    `features`: the most different first. `chance`: the distance that the largest of all features
    exceeds in one of twenty shuffles of groups between here and there. `auc`: how often a
    classifier that knows all features ranks one of the others above one of ours, each judged out of
    fold by groups; .5 tells nothing apart. `auc_chance`: what it exceeds in one of twenty shuffles
    of groups. `odds` (M,): how much likelier each of the others is from there than from here to it.
    Where there are too few groups `auc` and `odds` are None, and `auc_chance` NaN.
    """

    features: tuple[FeatureShift, ...]
    chance: float
    auc: float | None
    auc_chance: float
    odds: Floats | None

    @property
    def differing(self) -> tuple[FeatureShift, ...]:
        """The features that differ by more than chance."""
        return tuple(feature for feature in self.features if feature.distance > self.chance)

    @property
    def told_auc(self) -> float | None:
        """`auc` where the classifier tells here from there better than by chance, else None."""
        return self.auc if self.auc is not None and self.auc > self.auc_chance else None


def compare_looks(
    ours: Looks, our_samples: Sequence[Sample], theirs: Looks, their_samples: Sequence[Sample]
) -> Shift:
    """Compare sizes, grey levels and pose of two sets of images."""
    is_other = np.repeat([False, True], [len(ours), len(theirs)])
    named = _features(ours, theirs)
    points = np.stack(list(named.values()), axis=1)
    groups = [
        f"{int(other)} {sample.group}"
        for other, sample in zip(is_other, (*our_samples, *their_samples), strict=True)
    ]
    distances = ks_distances(points, is_other[None])[0]
    odds = _odds(points, is_other, groups)
    found = [
        FeatureShift(
            name,
            values[~is_other],
            values[is_other],
            float(distance),
            _outside(values[~is_other], values[is_other]),
        )
        for (name, values), distance in zip(named.items(), distances, strict=True)
    ]
    return Shift(
        features=tuple(sorted(found, key=lambda feature: -feature.distance)),
        chance=_chance_distance(points, is_other, groups),
        auc=None if odds is None else rank_share(odds[~is_other], odds[is_other]),
        auc_chance=float("nan") if odds is None else _chance_auc(points, is_other, groups),
        odds=None if odds is None else odds[is_other],
    )


def _features(ours: Looks, theirs: Looks) -> dict[str, Floats]:
    """Figures (N + M,) of both by name."""
    height, width = np.concatenate([ours.size, theirs.size]).T.astype(np.float64)
    quantiles = np.concatenate([ours.quantiles, theirs.quantiles])
    foreground = np.concatenate([ours.foreground, theirs.foreground])
    pose = dict(zip(FOREGROUND, foreground.T, strict=True))
    pose["direction"] = from_mean_direction(pose["direction"], np.ones(len(height), np.bool_))
    pose["tilt"] = np.abs(pose["direction"])  # left and right hands lean to either side
    return {
        "image height": height,
        "image width": width,
        "bytes a pixel": np.concatenate([ours.num_bytes, theirs.num_bytes]) / (height * width),
        "brightness": np.concatenate([ours.mean, theirs.mean]),
        "contrast": np.concatenate([ours.std, theirs.std]),
        "dark end": quantiles[:, QUANTILES.index(0.05)],
        "bright end": quantiles[:, QUANTILES.index(0.95)],
        **{f"foreground: {name}": values for name, values in pose.items()},
    }


def ks_distances(points: Floats, labellings: NDArray[np.bool_]) -> Floats:
    """(P, F): Kolmogorov-Smirnov distances of features (N, F) under P labellings (P, N)."""
    count = labellings.sum(axis=1, keepdims=True)
    rest = labellings.shape[1] - count
    distances = np.empty((len(labellings), points.shape[1]))
    for feature, values in enumerate(points.T):
        order = np.argsort(values, kind="stable")
        ends = np.append(np.diff(values[order]) > 0, True)  # of runs of equal values
        there = np.cumsum(labellings[:, order], axis=1)
        here = np.arange(1, len(order) + 1) - there
        distances[:, feature] = np.abs(there / count - here / rest)[:, ends].max(axis=1)
    return distances


def _chance_distance(points: Floats, is_other: NDArray[np.bool_], groups: Sequence[str]) -> float:
    shuffled = _shuffled(is_other, groups, _NUM_SHUFFLES)
    return float(np.quantile(ks_distances(points, shuffled).max(axis=1), _CHANCE))


def _chance_auc(points: Floats, is_other: NDArray[np.bool_], groups: Sequence[str]) -> float:
    reached = []
    for sides in _shuffled(is_other, groups, _NUM_CLASSIFIER_SHUFFLES):
        odds = _odds(points, sides, groups)
        if odds is not None:
            reached.append(rank_share(odds[~sides], odds[sides]))
    return float(np.quantile(reached, _CHANCE))


def _shuffled(is_other: NDArray[np.bool_], groups: Sequence[str], count: int) -> NDArray[np.bool_]:
    """(count, N): sides of groups at random, as many on each side as there are."""
    _, first, members = np.unique(groups, return_index=True, return_inverse=True)
    sides = is_other[first]
    rng = np.random.default_rng(0)
    return np.stack([rng.permutation(sides)[members] for _ in range(count)])


def _odds(points: Floats, is_other: NDArray[np.bool_], groups: Sequence[str]) -> Floats | None:
    named = np.asarray(groups)
    sides = [named[~is_other].tolist(), named[is_other].tolist()]
    num_folds = min(_NUM_FOLDS, *(len(set(side)) for side in sides))
    if num_folds < 2:
        return None
    folds = np.concatenate([grouped_folds(side, num_folds, 0) for side in sides])
    spread = points.std(axis=0)
    standard = (points - points.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    return out_of_fold_odds(standard, is_other, folds)


def rank_share(low: Floats, high: Floats) -> float:
    """How often a value of `high` is above one of `low`, ties counting half."""
    below = np.searchsorted(np.sort(low), high, side="left")
    up_to = np.searchsorted(np.sort(low), high, side="right")
    return float((below + up_to).mean() / (2 * len(low)))


def _outside(ours: Floats, theirs: Floats) -> float:
    low, high = np.quantile(ours, [0.05, 0.95])
    return float(((theirs < low) | (theirs > high)).mean())
