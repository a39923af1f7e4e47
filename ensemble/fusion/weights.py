"""How members are fused: a weight for every member and class, and a threshold for every class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import WeightsError
from ensemble.fusion_space import PROB_FLOOR, FusionSpace
from ensemble.members.member import Member
from ensemble.members.roster import merge_class_lists
from ensemble.runs.filters import ClassFilter


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Weights (M, C) >= 0 of M members for C classes, and thresholds (C,) of probabilities.

    A class's weights need not sum to 1; a member that lacks the class weighs 0. `sha256s` are the
    member files for which they were made, None where any file of the name will do. `views` is a
    specification as `--tta` takes it. `filters`: what is done to the masks, (C,) or () for nothing.
    Raises WeightsError for shapes or values that cannot be, and where logits are averaged for
    thresholds beyond PROB_FLOOR, which no average can cross.
    """

    members: tuple[str, ...]
    sha256s: tuple[str | None, ...]
    class_names: tuple[str, ...]
    weights: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    space: FusionSpace = "prob"
    views: str = ""
    filters: tuple[ClassFilter, ...] = ()

    def __post_init__(self) -> None:
        _check_names(self.members, "member")
        _check_names(self.class_names, "class")
        shape = (len(self.members), len(self.class_names))
        if self.weights.shape != shape or self.thresholds.shape != shape[1:]:
            raise WeightsError(
                "weights and thresholds have another shape",
                expected=f"{shape} and {shape[1:]}",
                got=f"{self.weights.shape} and {self.thresholds.shape}",
            )
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all()):
            raise WeightsError("a weight must be a number from 0 on")
        if self.filters and len(self.filters) != len(self.class_names):
            raise WeightsError(
                "filters are of another number of classes",
                expected=f"{len(self.class_names)}",
                got=f"{len(self.filters)}",
            )
        floor = 0.0 if self.space == "prob" else PROB_FLOOR
        sure = [each.sure_threshold for each in self.filters if each.min_sure_px]
        thresholds = np.append(self.thresholds, sure)
        if not ((thresholds > floor) & (thresholds < 1 - floor)).all():
            raise WeightsError(f"a threshold must lie between {floor:g} and {1 - floor:g}")
        with np.errstate(over="ignore"):
            sums = self.weights.sum(0)
        if weightless := [self.class_names[c] for c in np.flatnonzero(sums <= 0)]:
            raise WeightsError("no member has a weight for", got=", ".join(weightless))
        if endless := [self.class_names[c] for c in np.flatnonzero(np.isinf(sums))]:
            raise WeightsError("the weights are too large to be summed for", got=", ".join(endless))

    def for_classes(self, class_names: tuple[str, ...]) -> FusionWeights:
        """The same with the classes in another order."""
        order = [self.class_names.index(name) for name in class_names]
        return replace(
            self,
            class_names=class_names,
            weights=self.weights[:, order],
            thresholds=self.thresholds[order],
            filters=tuple(self.filters[c] for c in order) if self.filters else (),
        )


def _check_names(names: Sequence[str], kind: str) -> None:
    """Raise WeightsError for names of members or classes that are none, or that are doubled."""
    if not names:
        raise WeightsError(f"there is no {kind}", expected=f"one {kind} or more")
    if doubled := [name for name, count in Counter(names).items() if count > 1]:
        raise WeightsError(f"a {kind} is listed twice", got=", ".join(doubled))


def uniform_weights(
    members: Sequence[Member], *, views: str = "", space: FusionSpace = "prob"
) -> FusionWeights:
    """Every class weighs every member that has it equally; threshold 0.5."""
    class_names = merge_class_lists(members).names
    weights = [
        [float(name in member.manifest.class_list.names) for name in class_names]
        for member in members
    ]
    return FusionWeights(
        members=tuple(member.name for member in members),
        sha256s=tuple(member.sha256 for member in members),
        class_names=class_names,
        weights=np.array(weights, np.float64),
        thresholds=np.full(len(class_names), 0.5),
        space=space,
        views=views,
    )


def match_members(weights: FusionWeights, members: Sequence[Member]) -> list[Member]:
    """The members in the order of the weights; raises WeightsError unless they are those members.

    They must have the same names, the files must be those that the weights were made for, and each
    must have every class for which it has a weight.
    """
    by_name = {member.name: member for member in members}
    if set(by_name) != set(weights.members):
        raise WeightsError(
            "the weights are for other members",
            expected=", ".join(sorted(weights.members)),
            got=", ".join(sorted(by_name)),
            remedy="give --members just these, or run ens tune-weights again",
        )
    expected = merge_class_lists(members).names
    if set(expected) != set(weights.class_names):
        raise WeightsError(
            "the weights are for other classes than the members'",
            expected=", ".join(expected),
            got=", ".join(weights.class_names),
        )
    ordered = [by_name[name] for name in weights.members]
    for member, sha256, row in zip(ordered, weights.sha256s, weights.weights, strict=True):
        if sha256 is not None and sha256 != member.sha256:
            raise WeightsError(
                f"the weights were made for another file of the member {member.name}",
                expected=f"sha256 {sha256[:12]}",
                got=member.sha256[:12],
                remedy="run ens tune-weights again, or delete the sha256 to use them all the same",
            )
        _check_classes(member, weights.class_names, row)
    return ordered


def _check_classes(member: Member, class_names: tuple[str, ...], row: NDArray[np.float64]) -> None:
    known = set(member.manifest.class_list.names)
    lacking = [
        name for name, weight in zip(class_names, row, strict=True) if weight and name not in known
    ]
    if lacking:
        raise WeightsError(
            f"the member {member.name} has a weight for classes that it lacks",
            got=", ".join(lacking),
        )
