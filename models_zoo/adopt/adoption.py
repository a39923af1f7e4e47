"""The flow of `ens adopt`: from a file of another program to a member that has answered once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from ensemble.classes import ClassList
from ensemble.errors import ConfigError, MemberError, few
from ensemble.files.checksum import file_sha256
from ensemble.files.faults import list_faults
from ensemble.members.file import write_member
from ensemble.members.member import load_member
from ensemble.members.networks import build_network, network_stride
from ensemble.members.roster import MEMBERS_FOLDER, SUFFIX
from ensemble.progress import Tell, unheard
from ensemble.wording import counted
from models_zoo.adopt.fitting import fit_to
from models_zoo.adopt.sources import Foreign, default_name, read_source
from models_zoo.adopt.tensors import Tensors, to_float32
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.settings.network_check import network_fault

_NO_ANSWER = "name --arch, --encoder, --options and --mean with which it was trained"
_IMAGENET = "ImageNet's mean and deviation"


@dataclass(frozen=True, slots=True)
class Adoption:
    """The member that was written, and what was found or assumed on the way, a line each."""

    path: Path
    spec: MemberSpec
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Which of several weights in a source are meant: an entry of its file, a prefix of names."""

    part: str | None = None
    prefix: str | None = None


def adopt(
    source: Path,
    classes: ClassList,
    given: Mapping[str, Any],
    *,
    out: Path = Path(MEMBERS_FOLDER),
    place: Place = Place(),
    tell: Tell = unheard,
) -> Adoption:
    """Make a member of the weights in `source`, for the classes that its outputs are, in order.

    `given`: keys of a zoo file's member (arch, encoder, size, mean, ...), which go before those
    that the source states. Raises ConfigError for what is not said or contradicts the source,
    MemberError for a source that cannot be read or is of another network, of whose weights `tell`
    hears all that do not fit, OutputError.
    """
    foreign = read_source(source, place.part)
    spec, assumed = _settle(source, foreign, given)
    _check_classes(source, foreign, classes)
    network = build_network(spec.network, in_channels=spec.channels, num_classes=len(classes))
    try:
        fitted = fit_to(network.state_dict(), foreign.tensors, place.prefix, tell=tell)
    except (ConfigError, MemberError) as error:
        raise error.at(source) from error
    state_dict, precisions = to_float32(fitted.state_dict)
    notes = [*foreign.notes, *fitted.notes, *assumed]
    if precisions:
        notes.append(f"{precisions} became float32")
    _check_finite(source, state_dict)
    training = {"adopted_from": source.name, "adopted_sha256": _sha256(source)}
    manifest = spec.manifest(classes, stride=network_stride(network), training=training)
    path = out / f"{spec.full_name}{SUFFIX}"
    if path.exists():
        raise ConfigError(
            "is there already", where=path, remedy="give another --name, or remove it"
        )
    write_member(path, manifest, state_dict)
    _ask(path, spec, source)
    return Adoption(path, spec, tuple(notes))


def _settle(
    source: Path, foreign: Foreign, given: Mapping[str, Any]
) -> tuple[MemberSpec, list[str]]:
    """The member as a zoo file would say it, and what nobody said."""
    keys = {**foreign.stated, **given, "weights": "none"}
    if "arch" not in keys:
        raise ConfigError(
            "does not say which network its weights are of", where=source, remedy="say --arch"
        )
    if "size" not in keys:
        raise ConfigError(
            "does not say for which size it was trained",
            where=source,
            remedy="say --size, that of its input or with --window of each window",
        )
    keys.setdefault("name", re.sub(r"[^A-Za-z0-9._+-]", "_", default_name(source)).lstrip("._+-"))
    try:
        spec = MemberSpec.model_validate(keys)
    except ValidationError as error:
        faults = "; ".join(list_faults(MemberSpec, keys, error))
        raise ConfigError(f"cannot be a member: {faults}", where=source) from error
    spec = spec.model_copy(update={"batch": 2})  # as the network check asks it
    if (fault := network_fault(spec)) is not None:
        raise ConfigError(f"cannot be a member: {fault}", where=source)
    assumed = [] if "mean" in keys and "std" in keys else [f"normalised with {_IMAGENET}"]
    return spec, assumed


def _check_classes(source: Path, foreign: Foreign, classes: ClassList) -> None:
    if foreign.num_classes not in (None, len(classes)):
        raise ConfigError(
            "answers with another number of classes",
            where=source,
            expected=f"{len(classes)}, as the class list has",
            got=foreign.num_classes,
        )


def _sha256(source: Path) -> str | None:
    return file_sha256(source) if source.is_file() else None


def _check_finite(source: Path, state_dict: Tensors) -> None:
    """Raise MemberError that names weights which are no numbers, as a training that failed left."""
    broken = [key for key, tensor in state_dict.items() if not tensor.isfinite().all()]
    if broken:
        raise MemberError(
            f"{counted(len(broken), 'weight is', 'weights are')} not finite",
            where=source,
            got=few(broken),
            remedy="adopt a checkpoint of an earlier epoch",
        )


def _ask(path: Path, spec: MemberSpec, source: Path) -> None:
    """Load the member as prediction does and have it answer; raises MemberError, without the
    member, if it cannot.
    """
    try:
        member = load_member(path, torch.device("cpu"))
        member.maps(torch.zeros(1, spec.channels, *spec.size), "prob")
    except MemberError as error:
        path.unlink()
        raise MemberError(
            f"cannot be a member: {error.what}", where=source, got=error.got, remedy=_NO_ANSWER
        ) from error
