"""The file that says which image lies in which fold."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import Sample
from ensemble.errors import DataError, few
from ensemble.files.whole_file import whole_file
from ensemble.wording import counted

_HEADER = ["folder", "image", "group", "fold"]
_FOLD_DIGITS = 9  # as many as surely fit an int64
_REMEDY = "remove the file to split anew, or edit its rows"


@dataclass(frozen=True, slots=True)
class SplitPart:
    """Samples of one data folder, as `folder` names it in the file, and the fold (N,) of each."""

    folder: str
    samples: Sequence[Sample]
    folds: NDArray[np.int64]


def write_split(path: Path, parts: Sequence[SplitPart]) -> None:
    """Write a CSV with the columns folder, image, group, fold, a row a sample, whole or not at all.

    Image names are unique in a folder only: train and val may both hold 1.png.
    """
    with whole_file(path) as file, file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(_HEADER)
        for part in parts:
            for sample, fold in zip(part.samples, part.folds.tolist(), strict=True):
                rows.writerow([part.folder, sample.name, sample.group, fold])


def read_split(path: Path, folder: str, samples: Sequence[Sample]) -> NDArray[np.int64]:
    """The fold (N,) of each sample of the one folder that a file of `write_split` is about.

    Rows may be in any order. Raises DataError, with the path, for a malformed file, for images that
    only one of file and folder has, and for groups that differ or are spread over folds.
    """
    try:
        return _folds_of(_read_rows(path), folder, samples)
    except DataError as error:
        raise error.at(path) from error


def read_split_of(path: Path, folder: Path, samples: Sequence[Sample]) -> NDArray[np.int64]:
    """The same of a folder wherever it lies, by a file that may be about others as well.

    Raises DataError for a folder that the file does not name, too.
    """
    try:
        rows = _read_rows(path)
        named = dict.fromkeys(name for name, _ in rows)
        meant = [name for name in named if _ends_with(folder.resolve().parts, name)]
        if not meant:
            raise DataError(
                f"says nothing of {folder}",
                expected=f"one of {few(list(named))}",
                remedy="name the split that was made of these images",
            )
        name = max(meant, key=lambda name: len(PurePath(name).parts))
        return _folds_of({key: row for key, row in rows.items() if key[0] == name}, name, samples)
    except DataError as error:
        raise error.at(path) from error


def _ends_with(parts: Sequence[str], name: str) -> bool:
    """Whether a path ends as a folder is named in zoo.yaml, up to what leads there."""
    own = [part for part in PurePath(name).parts if part not in (".", "..")]
    return bool(own) and list(parts[-len(own) :]) == own


_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Row:
    group: str
    fold: int


def _folds_of(
    rows: Mapping[_Key, _Row], folder: str, samples: Sequence[Sample]
) -> NDArray[np.int64]:
    """The fold (N,) of each sample of the one folder that the rows are about."""
    own = [(folder, sample.name) for sample in samples]
    _refuse_other_images(rows, own)
    _refuse_other_groups(rows, folder, samples)
    return np.array([rows[key].fold for key in own], np.int64)


def _read_rows(path: Path) -> dict[_Key, _Row]:
    """Rows by folder and image."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"is no CSV file: {error}") from error
    if not lines or lines[0] != _HEADER:
        raise DataError(
            "is no split",
            expected=f"the header {','.join(_HEADER)}",
            got=",".join(lines[0]) if lines else "no line",
            remedy=_REMEDY,
        )
    rows: dict[_Key, _Row] = {}
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(_HEADER) or not _is_number(line[-1]):
            raise DataError(
                f"row {number} is malformed", expected=f"{','.join(_HEADER)} number", got=line
            )
        folder, image, group, fold = line
        if (folder, image) in rows:
            raise DataError(f"row {number} repeats an image", got=f"{folder}: {image}")
        rows[folder, image] = _Row(group, int(fold))
    return rows


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _FOLD_DIGITS


def _refuse_other_images(rows: Mapping[_Key, _Row], own: Sequence[_Key]) -> None:
    new, gone = sorted(set(own) - set(rows)), sorted(set(rows) - set(own))
    parts = [
        f"{len(keys)} {what} ({few([f'{folder}: {image}' for folder, image in keys])})"
        for keys, what in ((new, "images without fold"), (gone, "images that are not there"))
        if keys
    ]
    if parts:
        raise DataError("was made for other images", got=" and ".join(parts), remedy=_REMEDY)


def _refuse_other_groups(rows: Mapping[_Key, _Row], folder: str, samples: Sequence[Sample]) -> None:
    moved = [sample.name for sample in samples if rows[folder, sample.name].group != sample.group]
    if moved:
        raise DataError(
            f"{counted(len(moved), 'image is', 'images are')} in other groups than in the data set",
            got=few(moved),
            remedy=f"open the data set with the same groups, or {_REMEDY}",
        )
    folds_of: dict[str, set[int]] = {}
    for row in rows.values():
        folds_of.setdefault(row.group, set()).add(row.fold)
    if spread := sorted(group for group, folds in folds_of.items() if len(folds) > 1):
        raise DataError(
            f"{counted(len(spread), 'group is', 'groups are')} spread over folds", got=few(spread)
        )
