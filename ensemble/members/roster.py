"""Which members take part: found by name, loaded, and brought under one class list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from glob import glob
from pathlib import Path

import torch

from ensemble.classes import ClassList
from ensemble.errors import DeviceError, MemberError, few
from ensemble.members.exactness import compute_exactly
from ensemble.members.member import Member, load_member

MEMBERS_FOLDER = Path("members")
SUFFIX = ".pt"


def find_members(specs: Sequence[str], folder: Path = MEMBERS_FOLDER) -> list[Path]:
    """Member files that the specs name: comma lists of files, globs, folders, or names in `folder`.

    Without specs: all of `folder`. "~" is the home folder; "**" in a glob goes into sub-folders.
    Raises MemberError for a spec that names no file, and for a file that is named twice.
    """
    words = [word.strip() for spec in specs for word in spec.split(",") if word.strip()]
    if specs and not words:
        raise MemberError(
            "no member is named",
            got=f"--members {','.join(specs)!r}",
            remedy="leave it out for all",
        )
    paths = [path for word in words or [str(folder)] for path in _find(word, folder)]
    doubled = [str(path) for path, count in Counter(paths).items() if count > 1]
    if doubled:
        raise MemberError("a member is named twice", got=", ".join(doubled))
    return paths


def load_members(
    paths: Sequence[Path], device: torch.device, *, released: bool = False
) -> list[Member]:
    """Load members onto a device, in the order given; two of one name are refused.

    `released` leaves the networks in their files until `restore`.
    """
    compute_exactly()
    members = [load_member(path, device, released=released) for path in paths]
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
        raise MemberError(
            "members disagree on whether classes exclude each other",
            got=kinds,
            remedy="name members of one kind with --members",
        )
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


def choose_devices(names: str) -> list[torch.device]:
    """The devices of a comma list, as often as it names them; "auto" is every GPU, else the CPU.

    Raises DeviceError for one that is not there, and for a GPU that is named twice.
    """
    if names == "auto" and torch.cuda.device_count() > 1:
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    devices = [choose_device(name.strip()) for name in names.split(",")]
    doubled = [str(d) for d in devices if d.type != "cpu" and devices.count(d) > 1]
    if doubled:
        raise DeviceError("a GPU is named twice", got=doubled[0], remedy="name each once")
    return devices


def choose_device(name: str) -> torch.device:
    """The device of a name, which has computed something; "auto" is CUDA where there is one.

    Raises DeviceError for one that is not there, or that is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.ones(1, device=device).sum().item()  # some devices only hold shapes
    # as torch says it of a device that is unknown, absent, not built in, or not installed
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]
        raise DeviceError(
            f"device {name!r} cannot be used: {reason}", remedy="use --device auto or cpu"
        ) from error
    return device


def _find(word: str, folder: Path) -> list[Path]:
    try:
        paths = _matches(word, folder)
    except (OSError, RuntimeError) as error:  # a name that is too long; no such user behind a "~"
        raise MemberError(f"cannot look for the member {few([word])}: {error}") from error
    if not paths:
        known = few(sorted(path.stem for path in _members_in(folder)))
        raise MemberError(
            f"no member file {word}",
            expected=f"a file, a glob, a folder of *{SUFFIX}, or one in {folder}/"
            + (f": {known}" if known else ""),
            remedy="train members with: ens train-zoo zoo.yaml",
        )
    return paths


def _matches(word: str, folder: Path) -> list[Path]:
    """What a word names: a file or folder of that very name, else one in `folder`, else a glob."""
    path = Path(word).expanduser()
    if path.is_dir():
        return _members_in(path)
    for candidate in (path, folder / word, folder / f"{word}{SUFFIX}"):
        if candidate.is_file() or candidate.is_symlink():
            return [candidate]
    # Path.glob breaks off at "**" inside of a word
    found = sorted(Path(name) for name in glob(str(path), recursive=True))  # noqa: PTH207
    return [path for path in found if not path.is_dir()]


def _members_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.is_dir())
