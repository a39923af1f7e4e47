"""Sets of pixels as runs: union, intersection, difference, votes, and how alike two masks are.

Nothing is decoded. All masks of a call have runs in the same order, row- or column-major, which is
the order of the result; except for `complement` the size of the image does not matter. The runs of
a result never touch, even where those of a mask do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, lcm

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import ConfigError
from ensemble.kernels.run_algebra import complement_runs, shared_pixels, sweep_runs
from ensemble.metrics import dice as dice_of_areas
from ensemble.runs.rle import Runs, area, empty_runs

# Sums of weights are held as whole numbers; a bit is left for the sign, and one for a sum.
_MAX_TOTAL = 2**62


@dataclass(frozen=True, slots=True)
class VoteRule:
    """`weights` (K,) in whole numbers; a pixel wins if those that hold it sum to above `limit`."""

    weights: NDArray[np.int64]
    limit: int


def vote_rule(weights: Sequence[float], threshold: float = 0.5) -> VoteRule:
    """The rule by which a pixel wins if its share of the summed weight is above the threshold.

    Strictly above: of two equal masks at 0.5 both must hold it. Weights and threshold are taken as
    the decimals that they are printed as, and the sums are exact: .1 and .2 weigh as much as .3.
    Raises ConfigError for weights that are negative, not finite or all 0, or that need more than 18
    digits side by side, and for a threshold outside of 0 <= t < 1.
    """
    if not all(isfinite(weight) and weight >= 0 for weight in weights) or not sum(weights):
        raise ConfigError(
            "weights cannot be used",
            expected="numbers from 0 on, one of them above 0",
            got=", ".join(map(str, weights)),
        )
    if not 0 <= threshold < 1:
        raise ConfigError(
            "a threshold cannot be used",
            expected="a share of the summed weight, 0 or more and below 1",
            got=threshold,
        )
    exact = [Fraction(str(weight)) for weight in weights]
    unit = lcm(*(weight.denominator for weight in exact))
    whole = [int(weight * unit) for weight in exact]
    if sum(whole) >= _MAX_TOTAL:
        raise ConfigError(
            "weights have too many digits to be summed exactly",
            got=", ".join(map(str, weights)),
            remedy="round them",
        )
    limit = Fraction(str(threshold)) * sum(whole)
    return VoteRule(np.array(whole, np.int64), limit.numerator // limit.denominator)


def vote(masks: Sequence[Runs], rule: VoteRule) -> Runs:
    """The pixels that win by a rule with one weight a mask."""
    return _sweep(masks, rule.weights, rule.limit)


def union(*masks: Runs) -> Runs:
    """Pixels of any mask; of no masks none."""
    return _sweep(masks, np.ones(len(masks), np.int64), 0)


def intersection(first: Runs, *others: Runs) -> Runs:
    """Pixels of all masks."""
    masks = (first, *others)
    return _sweep(masks, np.ones(len(masks), np.int64), len(masks) - 1)


def difference(a: Runs, b: Runs) -> Runs:
    """Pixels of a that are not in b."""
    return _sweep((a, b), np.array([1, -1], np.int64), 0)


def symmetric_difference(a: Runs, b: Runs) -> Runs:
    """Pixels of just one of two masks."""
    return difference(union(a, b), intersection(a, b))


def complement(runs: Runs, size: tuple[int, int]) -> Runs:
    """Pixels of an (H, W) = size image that are not in the mask."""
    return complement_runs(runs, size[0] * size[1])


def intersection_area(a: Runs, b: Runs) -> int:
    """Number of pixels of the intersection, which is not made."""
    return int(shared_pixels(a, b))


def dice(a: Runs, b: Runs) -> float:
    """Dice of two masks as it is graded, 1 where both are empty."""
    counts = (np.int64(intersection_area(a, b)), np.int64(area(a)), np.int64(area(b)))
    return float(dice_of_areas(*map(np.asarray, counts)))


def iou(a: Runs, b: Runs) -> float:
    """Intersection over union, 1 where both are empty."""
    shared = intersection_area(a, b)
    united = area(a) + area(b) - shared
    return shared / united if united else 1.0


def _sweep(masks: Sequence[Runs], weights: NDArray[np.int64], limit: int) -> Runs:
    if not masks:
        return empty_runs()
    bounds = np.cumsum([0, *map(len, masks)])
    return sweep_runs(np.concatenate(masks), bounds, weights, limit)
