"""The data of a zoo: what is trained on, what is held out, and the file that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.classes import ClassList, find_class_list
from ensemble.data.datasets import LabelledFolder, open_labelled
from ensemble.data.folds import grouped_folds, hold_out, stratified_folds
from ensemble.data.leaks import check_disjoint, check_folds
from ensemble.data.split_file import SplitPart, read_split, write_split
from ensemble.errors import ClassListError, ConfigError, DataError, few
from ensemble.progress import Progress, silent
from ensemble.wording import counted
from models_zoo.jobs.strata import image_traits
from models_zoo.settings.zoo_file import SplitSpec, Zoo

# Beside the members: which images lie in which fold.
SPLIT_FILE = "split.csv"
_VAL_FOLDER = "val"
_VAL_FOLD, _TRAIN_FOLD = 0, 1
# One to learn from and one that is held out.
_LEAST_FOLDS = 2


@dataclass(frozen=True, slots=True)
class ZooData:
    """Two labelled folders that share no group and no image, and the folds that they came from.

    `fold`: which one of train is held out, None where val is a folder of its own. `folders`: where
    their files lie. `note`: what a person should know of the split, or "".
    """

    train: LabelledFolder
    val: LabelledFolder
    parts: tuple[SplitPart, ...]
    folders: tuple[Path, ...]
    fold: int | None = None
    note: str = ""

    def write_split(self, path: Path) -> None:
        """Write which images lie in which fold."""
        write_split(path, self.parts)


def open_data(zoo: Zoo, split_file: Path, progress: Progress = silent) -> list[ZooData]:
    """Open what a zoo file names: train and val, or train and the fold of it that is held out.

    With `fold: all` there is an entry for each fold. Where a fold is held out, a split that an
    earlier run wrote is kept. Raises DataError, with that file, if it does not fit the images or
    the folds of the zoo file, and ClassListError if train and val have different classes.
    """
    data = zoo.data
    train = open_labelled(zoo.place(data.train), groups=data.groups)
    if data.split is None and (data.val is not None or zoo.place(_VAL_FOLDER).is_dir()):
        return [_with_val_folder(zoo, train, data.val or _VAL_FOLDER)]
    split = _with_enough_groups(zoo, train, data.split or SplitSpec())
    return _with_folds(zoo, train, split, split_file, drawn=_draw(train, split, progress))


def _with_enough_groups(zoo: Zoo, train: LabelledFolder, split: SplitSpec) -> SplitSpec:
    """A split of no more folds than there are groups, where the zoo file does not say how many.

    Raises DataError for a single group, of which nothing can be held out.
    """
    groups = len({sample.group for sample in train.samples})
    if groups < _LEAST_FOLDS:
        raise DataError(
            "nothing can be held out to score members on",
            where=zoo.folder / zoo.data.train,
            expected=f"{_LEAST_FOLDS} groups of images or more, or {_VAL_FOLDER}/",
            got=f"{counted(len(train.samples), 'image')} in 1 group",
            remedy=f"add more images, or others to hold out in {zoo.folder / _VAL_FOLDER}",
        )
    if "folds" in split.model_fields_set:
        return split
    return split.model_copy(update={"folds": min(split.folds, groups)})


def _draw(train: LabelledFolder, split: SplitSpec, progress: Progress) -> NDArray[np.int64]:
    groups = [sample.group for sample in train.samples]
    if not split.stratify:
        return grouped_folds(groups, split.folds, split.seed)
    traits = image_traits(train, split.stratify, progress)
    return stratified_folds(groups, traits, split.folds, split.seed)


def _with_val_folder(zoo: Zoo, train: LabelledFolder, name: str) -> ZooData:
    folder = zoo.place(name)
    stated = find_class_list(zoo.place(zoo.data.train)) or train.classes
    own = find_class_list(folder)
    if own is not None and (difference := _difference(stated, own)):
        raise ClassListError(
            f"the classes of {name} differ from those of {zoo.data.train}: {difference}",
            where=folder,
            remedy="let both follow one classes.yaml, in the folder above them",
        )
    val = open_labelled(folder, classes=train.classes, groups=zoo.data.groups)
    check_disjoint(train, val)
    parts = tuple(
        SplitPart(part, labelled.samples, np.full(len(labelled.samples), fold))
        for part, labelled, fold in ((zoo.data.train, train, _TRAIN_FOLD), (name, val, _VAL_FOLD))
    )
    return ZooData(train, val, parts, (zoo.place(zoo.data.train), folder))


def _with_folds(
    zoo: Zoo,
    train: LabelledFolder,
    split: SplitSpec,
    split_file: Path,
    *,
    drawn: NDArray[np.int64],
) -> list[ZooData]:
    name, note, folds = zoo.data.train, "", drawn
    if split_file.exists():
        folds = read_split(split_file, name, train.samples)
        if set(folds.tolist()) != set(range(split.folds)):
            raise ConfigError(
                "has other folds than the zoo file asks for",
                where=split_file,
                expected=f"folds 0 to {split.folds - 1}",
                got=f"folds {few([str(fold) for fold in np.unique(folds)])}",
                remedy="set split in the zoo file, or remove the file to split anew",
            )
        if (folds != drawn).any():
            note = f"kept as it is, though the zoo file would split otherwise ({split_file})"
    check_folds(train, folds)
    part = SplitPart(name, train.samples, folds)
    return [
        ZooData(*hold_out(train, folds, fold), (part,), (zoo.place(name),), fold, note)
        for fold in (range(split.folds) if split.fold == "all" else [split.fold])
    ]


def _difference(train: ClassList, val: ClassList) -> str:
    """What sets two class lists apart, or ""; the order within a mirror pair does not."""
    if set(train.names) != set(val.names):
        sides = (("train", train, val), ("val", val, train))
        return "; ".join(
            f"only {side} has {few(only)}"
            for side, mine, other in sides
            if (only := [name for name in mine.names if name not in other.names])
        )
    if train.names != val.names:
        return f"another order, {_first_moved(train.names, val.names)}"
    facts = (
        ("exclusive", train.exclusive, val.exclusive),
        ("mirror_pairs", train.mirror_permutation, val.mirror_permutation),
        ("values", train.pixel_values, val.pixel_values),
        ("ignore", train.ignore, val.ignore),
    )
    return ", ".join(key for key, mine, other in facts if mine != other)


def _first_moved(train: Sequence[str], val: Sequence[str]) -> str:
    position = next(i for i, (a, b) in enumerate(zip(train, val, strict=True)) if a != b)
    return f"class {position + 1} is {train[position]} in train and {val[position]} in val"
