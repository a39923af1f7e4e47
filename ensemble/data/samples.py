"""Samples: the images of a data set, and whose they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ensemble.errors import ConfigError, DataError, few
from ensemble.images.reading import list_images


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
