"""Which members take part: found by name, loaded, and brought under one class list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from ensemble.classes import ClassList
from ensemble.errors import DeviceError, MemberError
from ensemble.members.exactness import compute_exactly
from ensemble.members.member import Member, load_member

MEMBERS_FOLDER = Path("members")
SUFFIX = ".pt"


def find_members(specs: Sequence[str], folder: Path = MEMBERS_FOLDER) -> list[Path]:
    """Member files that the specs name: comma lists of files, globs, folders, or names in `folder`.

    Without specs: all of `folder`. Raises MemberError for a spec that names no file, and for a
    file that is named twice.
    """
    words = [word.strip() for spec in specs for word in spec.split(",") if word.strip()]
    paths = [path for word in words or [str(folder)] for path in _matches(word, folder)]
    doubled = [str(path) for path, count in Counter(paths).items() if count > 1]
    if doubled:
        raise MemberError("a member is named twice", got=", ".join(doubled))
    return paths


def load_members(paths: Sequence[Path], device: torch.device) -> list[Member]:
    """Load members onto a device, in the order given; two of one name are refused."""
    compute_exactly()
    members = [load_member(path, device) for path in paths]
    check_names(members)
    return members


def check_names(members: Sequence[Member]) -> None:
    """Raise MemberError for two members of one name, by which weights find them."""
    doubled = [name for name, count in Counter(m.name for m in members).items() if count > 1]
    if doubled:
        raise MemberError(
            "two member files hold the same name, by which weights find them",
            got=", ".join(doubled),
            remedy="train them under different names",
        )


def merge_class_lists(members: Sequence[Member]) -> ClassList:
    """The classes of all members by name, in the order of the member that knows the most.

    A member may lack classes. Raises MemberError where one says that classes exclude each other
    and another that they overlap, or where mirror pairs contradict.
    """
    lists = [member.manifest.class_list for member in members]
    if len({classes.exclusive for classes in lists}) > 1:
        kinds = ", ".join(
            f"{member.name} {'exclusive' if classes.exclusive else 'overlapping'}"
            for member, classes in zip(members, lists, strict=True)
        )
        raise MemberError("members disagree on whether classes exclude each other", got=kinds)
    longest = max(lists, key=len)
    names = list(longest.names)
    for classes in lists:
        names += [name for name in classes.names if name not in names]
    pairs = {tuple(sorted(pair)): pair for classes in lists for pair in classes.mirror_pairs}
    contradicted = [name for name, n in Counter(sum(pairs, ())).items() if n > 1]
    if contradicted:
        raise MemberError(
            "members pair a class with different mirror classes", got=", ".join(contradicted)
        )
    return ClassList(tuple(names), longest.exclusive, tuple(pairs.values()))


def choose_device(name: str) -> torch.device:
    """The device of a name; "auto" is CUDA where there is one. Raises DeviceError if absent."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(
            f"device {name!r} cannot be used: {reason}", remedy="use --device auto or cpu"
        ) from error
    return device


def _matches(word: str, folder: Path) -> list[Path]:
    path = Path(word)
    if path.is_dir():
        return _some(sorted(path.glob(f"*{SUFFIX}")), f"no member (*{SUFFIX}) in {path}")
    if any(character in word for character in "*?["):
        return _some(
            sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor)))),
            f"no member matches {word}",
        )
    for candidate in (path, folder / word, folder / f"{word}{SUFFIX}"):
        if candidate.is_file():
            return [candidate]
    known = ", ".join(sorted(other.stem for other in folder.glob(f"*{SUFFIX}")))
    raise MemberError(
        f"no member file {word}",
        expected=f"a file, or one of {folder}/: {known}"
        if known
        else f"a file, or one in {folder}/",
        remedy="train members with: ens train-zoo zoo.yaml",
    )


def _some(paths: list[Path], complaint: str) -> list[Path]:
    if not paths:
        raise MemberError(complaint, remedy="train members with: ens train-zoo zoo.yaml")
    return paths
