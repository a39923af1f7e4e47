"""What tuning found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion.weights import FusionWeights
from ensemble.metrics import DICE, Metric
from ensemble.tuning.class_plan import ClassPlan
from ensemble.tuning.cross_validation import CrossValidation
from ensemble.tuning.filter_choice import FilterChoice
from ensemble.tuning.member_choice import MemberChoice
from ensemble.tuning.rules import DEFAULT_THRESHOLD, spread
from ensemble.tuning.shift import Shift
from ensemble.tuning.sources import Source
from ensemble.tuning.variants import VariantChoice

UNLABELLED = "uniform (not labelled)"


@dataclass(frozen=True, slots=True)
class TuningResult:
    """The weights, for all classes of the members, and how the labelled ones (`plan`) fared.

    `sources`: the members that share a weight; `candidates` (M,): all that were looked at, of which
    `worth` tells.
    """

    path: Path
    weights: FusionWeights
    plan: ClassPlan
    validation: CrossValidation
    groups: Sequence[str]
    seed: int
    filters: FilterChoice | None = None
    sources: tuple[Source, ...] = ()
    candidates: tuple[str, ...] = ()
    worth: MemberChoice | None = None
    variants: VariantChoice | None = None
    metric: Metric = DICE
    shift: Shift | None = None

    @property
    def best_single(self) -> str:
        """The member that is best alone, on all images."""
        weights, present = self.validation.candidates["best_single"].weights, self.plan.present
        singles = (spread(one, DEFAULT_THRESHOLD, present) for one in np.eye(present.shape[1]))
        return self.source_names[
            int(np.argmin([np.abs(single.weights - weights).sum() for single in singles]))
        ]

    @property
    def source_names(self) -> tuple[str, ...]:
        """What the weights are of: members, or families of them."""
        return tuple(source.name for source in self.sources) or self.weights.members

    @property
    def source_weights(self) -> NDArray[np.float64]:
        """(S, C): what the members of each source weigh together."""
        sizes = [len(source.members) for source in self.sources] or [1] * len(self.weights.members)
        return np.add.reduceat(self.weights.weights, np.cumsum([0, *sizes[:-1]]), axis=0)

    def rule(self, class_name: str) -> str:
        """What a class keeps: the simple rule, or how far from it it goes; uniform unlabelled."""
        if class_name not in self.plan.names:
            return UNLABELLED
        choice = self.validation.choice
        share = choice.shares[self.plan.names.index(class_name)]
        return choice.simple if share == 0 else f"tuned {share:.0%}"
