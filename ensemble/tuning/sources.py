"""What answers images as one: a member, or those of all folds, each where it did not learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ensemble.datasets import Sample
from ensemble.errors import ConfigError, DataError, MemberError, few
from ensemble.members.member import Member
from ensemble.members.training_summary import FAMILY, HELD_OUT
from ensemble.wording import counted


@dataclass(frozen=True, slots=True)
class Source:
    """One member, or a family of them that share a weight.

    `answers`: by image name the index of the member that answers it; None where one answers all.
    """

    name: str
    members: tuple[Member, ...]
    answers: Mapping[str, int] | None = None

    def member_for(self, sample: Sample) -> Member:
        """The member that answers an image."""
        return self.members[0 if self.answers is None else self.answers[sample.name]]


def single_sources(members: Sequence[Member]) -> list[Source]:
    """Every member by itself."""
    return [Source(member.name, (member,)) for member in members]


def families(members: Sequence[Member], samples: Sequence[Sample]) -> list[Source]:
    """Members that were trained on folds, as families of which one did not learn from an image.

    Raises ConfigError for members that do not say what they did not learn from, DataError for
    images from which all of a family learnt, and MemberError where its classes differ.
    """
    unknown = [member.name for member in members if _held_out(member) is None]
    if unknown:
        raise ConfigError(
            "members do not say from which images they did not learn",
            got=few(unknown),
            remedy="train them with split: {folds: 5, fold: all}, or tune on images of their own",
        )
    names = dict.fromkeys(_family(member) for member in members)
    return [
        _family_of(name, [member for member in members if _family(member) == name], samples)
        for name in names
    ]


def _family_of(name: str, members: Sequence[Member], samples: Sequence[Sample]) -> Source:
    if any(member.manifest.class_list != members[0].manifest.class_list for member in members):
        raise MemberError(
            "members of its folds have different classes", where=name, remedy="train them anew"
        )
    answers = {image: m for m, member in enumerate(members) for image in _held_out(member) or ()}
    if seen := [sample.name for sample in samples if sample.name not in answers]:
        raise DataError(
            f"every member of {name} learnt from {counted(len(seen), 'image')}",
            got=few(seen),
            remedy="name the members of all its folds, and the folder that they were trained on",
        )
    return Source(name, tuple(members), answers)


def _family(member: Member) -> str:
    family = member.manifest.training.get(FAMILY)
    return family if isinstance(family, str) else member.name


def _held_out(member: Member) -> list[str] | None:
    images = member.manifest.training.get(HELD_OUT)
    return [str(image) for image in images] if isinstance(images, list) else None
