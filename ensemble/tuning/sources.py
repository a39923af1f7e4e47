"""What answers images as one: a member, or those of all folds, each where it did not learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ensemble.data.datasets import Sample
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

    Raises ConfigError for members that do not say what they did not learn from, that say the same,
    or that learnt from other images of a group; DataError for images that nobody held out; and
    MemberError where the classes of a family differ.
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
    held_out = [frozenset(_held_out(member) or ()) for member in members]
    answers = {image: m for m, images in enumerate(held_out) for image in images}
    if len(answers) < sum(map(len, held_out)):
        raise ConfigError(
            "several members held out the same images",
            where=name,
            got=", ".join(member.name for member in members),
            remedy="name the members of one split only, with --members",
        )
    if unknown := [sample.name for sample in samples if sample.name not in answers]:
        raise DataError(
            f"no member of {name} says that it held out {counted(len(unknown), 'image')}",
            got=few(unknown),
            remedy="name the members of all its folds, and the folder that they were trained on",
        )
    _check_groups(name, answers, samples)
    return Source(name, tuple(members), answers)


def _check_groups(name: str, answers: Mapping[str, int], samples: Sequence[Sample]) -> None:
    """Raise ConfigError where a member learnt from other images of a group that it answers."""
    members_of: dict[str, set[int]] = {}
    for sample in samples:
        members_of.setdefault(sample.group, set()).add(answers[sample.name])
    if torn := sorted(group for group, found in members_of.items() if len(found) > 1):
        raise ConfigError(
            f"the folds of {name} tear {counted(len(torn), 'group')} apart, so that members learnt "
            "from other images of them",
            got=few(torn),
            remedy="train with the same groups in zoo.yaml",
        )


def _family(member: Member) -> str:
    family = member.manifest.training.get(FAMILY)
    return family if isinstance(family, str) else member.name


def _held_out(member: Member) -> list[str] | None:
    images = member.manifest.training.get(HELD_OUT)
    return [str(image) for image in images] if isinstance(images, list) else None
