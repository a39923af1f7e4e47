"""Samples: the images of a data set, whose they are, and which label file belongs to which."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ensemble.errors import ConfigError, DataError
from ensemble.images import list_images

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One image: `name` is its path relative to the images root, written with slashes.

    `group` names what must not be split between training and validation, as a person.
    """

    name: str
    image: Path
    group: str


def find_samples(root: Path, groups: str | None) -> tuple[Sample, ...]:
    """All images under a folder, sorted by name.

    `groups`: a regular expression that is searched in each name, its first capture group (or its
    whole match) being the group; None takes the folder that an image lies in, else its stem.
    Raises DataError if there is no image, or if names do not match.
    """
    images = list_images(root)
    if not images:
        raise DataError("holds no image", where=root, expected="PNG, JPEG, TIFF or BMP files")
    names = [path.relative_to(root).as_posix() for path in images]
    owners = [_folder_or_stem(name) for name in names] if groups is None else _match(groups, names)
    return tuple(
        Sample(name, image, owner) for name, image, owner in zip(names, images, owners, strict=True)
    )


def _folder_or_stem(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.parent == PurePosixPath() else path.parent.as_posix()


def _match(pattern: str, names: Sequence[str]) -> list[str]:
    try:
        matches = [re.search(pattern, name) for name in names]
    except re.error as error:
        raise ConfigError(f"groups is no regular expression: {error}", got=repr(pattern)) from error
    if strays := [name for name, match in zip(names, matches, strict=True) if not match]:
        raise DataError(
            f"{len(strays)} of {len(names)} image names do not match the expression for groups",
            expected=repr(pattern),
            got=few(strays),
        )
    return [match[1] or match[0] if match.re.groups else match[0] for match in matches if match]


def match_key(name: str) -> str:
    """A relative path without its suffix, by which images and labels find each other.

    Letters with accents are composed, since some systems store them in parts.
    """
    return unicodedata.normalize("NFC", PurePosixPath(name).with_suffix("").as_posix())


def names_by_key(samples: Iterable[Sample]) -> dict[str, str]:
    """Sample names by `match_key`; raises DataError for two images that would share a label."""
    names: dict[str, str] = {}
    shared = [
        f"{first} and {sample.name}"
        for sample in samples
        if (first := names.setdefault(match_key(sample.name), sample.name)) != sample.name
    ]
    if shared:
        raise DataError(
            f"{len(shared)} pairs of images differ in their suffix only and would share a label",
            got=few(shared),
            remedy="remove or rename one of each",
        )
    return names


def files_by_key(root: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Label files of one suffix by `match_key` of their path relative to the labels' root."""
    return {match_key(path.relative_to(root).as_posix()): path for path in files}


def pair_files(root: Path, samples: Sequence[Sample], files: Mapping[str, Path]) -> dict[str, Path]:
    """The label file under `root` of every sample, by sample name; DataError if one has none."""
    names = names_by_key(samples)
    orphans = [path for key, path in files.items() if key not in names]
    refuse_unpaired(
        root,
        images=[name for key, name in names.items() if key not in files],
        labels=[path.relative_to(root).as_posix() for path in orphans],
    )
    return {name: files[key] for key, name in names.items()}


def refuse_unpaired(where: Path, *, images: Sequence[str] = (), labels: Sequence[str] = ()) -> None:
    """Raise one DataError that counts and shows images without label and labels without image."""
    parts = [
        f"{len(names)} {what} without {partner} ({few(names)})"
        for names, what, partner in ((images, "images", "label"), (labels, "labels", "image"))
        if names
    ]
    if parts:
        raise DataError(
            "images and labels do not pair up",
            where=where,
            got=" and ".join(parts),
            remedy="a label has the name and the sub-folder of its image",
        )


def few(names: Sequence[str]) -> str:
    """The first few names for a message, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
