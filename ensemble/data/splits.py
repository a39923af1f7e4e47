"""Splits: folds that keep groups whole, a file that holds them, and a check for leaks."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import ImageFolder, LabelledFolder, Sample
from ensemble.errors import ConfigError, DataError, few
from ensemble.files.checksum import file_sha256
from ensemble.files.whole_file import whole_file
from ensemble.images.reading import reading
from ensemble.wording import counted

_HEADER = ["folder", "image", "group", "fold"]
_FOLD_DIGITS = 9  # as many as surely fit an int64
_REMEDY = "remove the file to split anew, or edit its rows"


def grouped_folds(groups: Sequence[str], num_folds: int, seed: int) -> NDArray[np.int64]:
    """The fold (N,) of each image, 0..num_folds - 1; a group lies in one fold whole.

    Groups go, largest first, into the fold with the fewest images; the seed orders groups of one
    size and picks among folds that are level. The order of the images does not matter.
    Raises DataError for fewer groups than folds.
    """
    if num_folds < 2:
        raise ConfigError("a split needs two folds or more", got=num_folds)
    sizes = Counter(groups)
    if len(sizes) < num_folds:
        raise DataError(
            "there are fewer groups than folds",
            expected=f"{num_folds} groups or more",
            got=f"{len(sizes)} groups in {len(groups)} images",
            remedy="ask for fewer folds, or group the images more finely",
        )
    rng = np.random.default_rng(seed)
    names = sorted(sizes)
    shuffled = [names[index] for index in rng.permutation(len(names))]
    images_in_fold = np.zeros(num_folds, np.int64)
    fold_of: dict[str, int] = {}
    for name in sorted(shuffled, key=lambda name: -sizes[name]):
        smallest = np.flatnonzero(images_in_fold == images_in_fold.min())
        fold_of[name] = int(rng.choice(smallest))
        images_in_fold[fold_of[name]] += sizes[name]
    return np.array([fold_of[group] for group in groups], np.int64)


def stratified_folds(
    groups: Sequence[str], traits: NDArray[np.bool_], num_folds: int, seed: int
) -> NDArray[np.int64]:
    """As `grouped_folds`, with each fold having its share of images of each trait (N, K) too.

    Groups go, those of rare traits first, to where the folds become most alike: where the sum of
    squared shares that folds have of each trait, and of all images, grows least. As many images
    in each fold counts as much as all traits together.
    """
    names = sorted(set(groups))
    if num_folds < 2 or len(names) < num_folds:
        return grouped_folds(groups, num_folds, seed)  # which says what is wrong
    number = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), traits.shape[1] + 1))
    everything = np.column_stack([traits, np.ones(len(groups))])
    np.add.at(counts, [number[group] for group in groups], everything)
    counts = counts[:, counts.any(axis=0)]
    shares = counts / counts.sum(axis=0)
    shares[:, -1] *= np.sqrt(max(shares.shape[1] - 1, 1))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(names))
    rarest_first = order[np.argsort(-(shares[order] ** 2).sum(axis=1), kind="stable")]
    held = np.zeros((num_folds, shares.shape[1]))
    fold_of = np.zeros(len(names), np.int64)
    for left, group in zip(range(len(names), 0, -1), rarest_first, strict=True):
        growth = ((held + shares[group]) ** 2 - held**2).sum(axis=1)
        empty = ~held.any(axis=1)
        if left <= empty.sum():
            growth[~empty] = np.inf  # a fold must have a group
        least = np.flatnonzero(np.isclose(growth, growth.min(), rtol=1e-9, atol=1e-15))
        fold_of[group] = rng.choice(least)
        held[fold_of[group]] += shares[group]
    return fold_of[[number[group] for group in groups]]


def hold_out(
    labelled: LabelledFolder, folds: NDArray[np.int64], fold: int
) -> tuple[LabelledFolder, LabelledFolder]:
    """Views of a labelled folder: (all folds but one, that one), in the folder's order."""
    known = np.unique(folds).tolist()
    if fold not in known:
        raise ConfigError(
            "there is no such fold",
            expected=f"one of {few([str(number) for number in known])}",
            got=fold,
        )
    train = labelled.subset(np.flatnonzero(folds != fold).tolist())
    return train, labelled.subset(np.flatnonzero(folds == fold).tolist())


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


def check_disjoint(train: ImageFolder | LabelledFolder, val: ImageFolder | LabelledFolder) -> None:
    """Raise DataError if two data sets share a group or an image, whatever the image is called.

    A group that is no more than its image's stem may have a namesake by accident; there only equal
    files tell. Files are read only where their sizes in bytes coincide.
    """
    shared = {s.group for s in train.samples} & {s.group for s in val.samples}
    owned = {s.group for s in (*train.samples, *val.samples) if not _is_stem(s)}
    if leaking := sorted(shared & owned):
        raise DataError(
            f"{counted(len(leaking), 'group lies', 'groups lie')} in both {train.root} "
            f"and {val.root}",
            got=few(leaking),
            remedy="keep all images of a group on one side",
        )
    if copies := _same_files(train.samples, val.samples):
        raise DataError(
            f"{counted(len(copies), 'image lies', 'images lie')} in both {train.root} "
            f"and {val.root}",
            got=few(copies),
            remedy="remove them from one side",
        )


def _is_stem(sample: Sample) -> bool:
    return sample.group == PurePosixPath(sample.name).stem


def _same_files(train: Sequence[Sample], val: Sequence[Sample]) -> list[str]:
    """Names of validation images whose bytes are those of a training image."""
    by_size: dict[int, list[Path]] = defaultdict(list)
    for sample in train:
        by_size[_num_bytes(sample.image)].append(sample.image)
    hashed = cache(_sha256)
    return [
        sample.name
        for sample in val
        if any(
            hashed(image) == hashed(sample.image)
            for image in by_size.get(_num_bytes(sample.image), [])
        )
    ]


def _num_bytes(path: Path) -> int:
    with reading(path):
        return path.stat().st_size


def _sha256(path: Path) -> str:
    with reading(path):
        return file_sha256(path)
