"""Views and fusion spaces that are tried: the first is kept unless another surely gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion_space import FusionSpace
from ensemble.intervals import Interval, bootstrap_groups
from ensemble.maps.views import View, parse_views
from ensemble.tuning.choice import GAIN_LEVEL, surest_gain


@dataclass(frozen=True, slots=True)
class Variant:
    """How soft maps come about: views as `--tta` has them, and the space of all averages."""

    views: str = ""
    space: FusionSpace = "prob"


def different_variants(views: Sequence[str], spaces: Sequence[FusionSpace]) -> tuple[Variant, ...]:
    """All pairs, each once where two say the same; raises ConfigError for views that are none."""
    by_meaning: dict[tuple[frozenset[View], FusionSpace], Variant] = {}
    for space, each in product(spaces, views):
        by_meaning.setdefault((frozenset(parse_views(each)), space), Variant(each, space))
    return tuple(by_meaning.values())


@dataclass(frozen=True, slots=True)
class VariantChoice:
    """`scores` (V, N): of each image, mean over classes, when all members weigh the same.

    `seconds` (V,): of all members, an image. `kept`: the index of the one to use.
    """

    variants: tuple[Variant, ...]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64]
    kept: int

    def gains(self, groups: Sequence[str], *, seed: int) -> Interval:
        """What each (V,) gains over the first, with intervals over groups."""
        gains = (self.scores - self.scores[0]).T
        return bootstrap_groups(gains, groups, level=GAIN_LEVEL, seed=seed)


def choose_variant(
    variants: Sequence[Variant],
    scores: Sequence[NDArray[np.float64]],
    seconds: Sequence[float],
    groups: Sequence[str],
    *,
    seed: int,
) -> VariantChoice:
    """The variant that gains most surely over the first, or the first.

    Nothing is fitted to score a variant, so that the scores are as good as out of fold; only the
    choice among the few of them is made on these images.
    """
    first, *others = (each[:, None] for each in scores)
    found = -1
    if others:
        chosen, _ = surest_gain(first, others, groups, seed=seed)
        found = int(chosen[0])
    return VariantChoice(tuple(variants), np.stack(scores), np.array(seconds), found + 1)
