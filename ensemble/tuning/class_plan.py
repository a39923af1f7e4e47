"""Which classes are tuned: where each lies in the labels and in every member's output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.classes import ClassList
from ensemble.errors import ClassListError, MemberError
from ensemble.members.member import Member
from ensemble.members.roster import merge_class_lists

# (h, w) maps of one class, one a member, None for a member that lacks the class.
ClassMaps = Sequence[NDArray[np.uint8] | None]


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """`names`: the C labelled classes, in the members' order; `bits` (C,): their bit in a label.

    `channels` (C, M): a class's output channel in each member, None where the member lacks it.
    """

    names: tuple[str, ...]
    bits: tuple[int, ...]
    channels: tuple[tuple[int | None, ...], ...]
    exclusive: bool

    @property
    def present(self) -> NDArray[np.bool_]:
        """(C, M): which member has which class."""
        return np.array([[channel is not None for channel in row] for row in self.channels])

    def for_members(self, members: Sequence[int]) -> ClassPlan:
        """The same for some of the members."""
        return replace(
            self, channels=tuple(tuple(row[m] for m in members) for row in self.channels)
        )


def plan_classes(members: Sequence[Member], labelled: ClassList) -> ClassPlan:
    """Match the members' classes with those of the labels, by name.

    Raises ClassListError for labelled classes that no member has, and where one side says that
    classes exclude each other; MemberError where members of exclusive classes lack some.
    """
    merged = merge_class_lists(members)
    if unknown := [name for name in labelled.names if name not in merged.names]:
        raise ClassListError(
            "the labels hold classes that no member has",
            got=", ".join(unknown),
            expected=f"one of {', '.join(merged.names)}",
        )
    if labelled.exclusive != merged.exclusive:
        raise ClassListError(
            "labels and members disagree on whether classes exclude each other",
            got=f"exclusive {str(labelled.exclusive).lower()} in the labels, "
            f"{str(merged.exclusive).lower()} in the members",
            remedy="set exclusive in classes.yaml as the members were trained, or name others with "
            "--members",
        )
    names = tuple(name for name in merged.names if name in labelled.names)
    lists = [member.manifest.class_list for member in members]
    plan = ClassPlan(
        names=names,
        bits=tuple(labelled.index(name) for name in names),
        channels=tuple(
            tuple(own.index(name) if name in own.names else None for own in lists) for name in names
        ),
        exclusive=merged.exclusive,
    )
    _refuse_partial(plan, members)
    return plan


def _refuse_partial(plan: ClassPlan, members: Sequence[Member]) -> None:
    """Exclusive classes share one weight vector, which fits only members that have them all."""
    partial = [member.name for m, member in enumerate(members) if not plan.present[:, m].all()]
    if plan.exclusive and partial:
        raise MemberError(
            "members for exclusive classes lack some of them",
            got=", ".join(partial),
            expected=", ".join(plan.names),
            remedy="leave them out with --members, or predict without --weights",
        )
