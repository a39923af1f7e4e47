"""The graded score of a predictions file against labels."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.datasets import LabelledFolder, Sample
from ensemble.dice import image_dice
from ensemble.errors import DataError, EnsError, few
from ensemble.images import image_size
from ensemble.intervals import Interval, bootstrap_groups
from ensemble.labels.pairing import pair_names
from ensemble.progress import Progress, silent
from ensemble.rle import Base, Order, RleFormat, Runs
from ensemble.rle_table import RleTable, open_rle_table
from ensemble.whole_file import whole_file
from ensemble.wording import counted

INTERVAL_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Scores:
    """Graded Dice (N, C) of images and classes; `groups` (N,) are the people."""

    image_names: tuple[str, ...]
    class_names: tuple[str, ...]
    groups: tuple[str, ...]
    dice: NDArray[np.float64]

    @property
    def per_class(self) -> NDArray[np.float64]:
        """(C,): mean over images."""
        return np.asarray(self.dice.mean(axis=0))

    @property
    def mean(self) -> float:
        """Mean over images, then over classes."""
        return float(self.per_class.mean())

    def class_intervals(self, *, seed: int = 0) -> Interval | None:
        """INTERVAL_LEVEL intervals (C,) over groups; None for fewer than two groups."""
        return self._interval(self.dice, seed)

    def mean_interval(self, *, seed: int = 0) -> Interval | None:
        """INTERVAL_LEVEL interval (1,) of the mean over groups; None for fewer than two groups."""
        return self._interval(self.dice.mean(axis=1, keepdims=True), seed)

    def _interval(self, values: NDArray[np.float64], seed: int) -> Interval | None:
        if len(set(self.groups)) < 2:
            return None
        return bootstrap_groups(values, self.groups, level=INTERVAL_LEVEL, seed=seed)


def evaluate(
    predictions: Path,
    labelled: LabelledFolder,
    *,
    order: Order = "row",
    base: Base = 1,
    progress: Progress = silent,
) -> Scores:
    """Score a predictions file, which must hold every class of every labelled image and no more.

    Images are named by their base name or by their path inside the image folder. Raises DataError
    that lists what is missing, unknown or doubled; RleError, with line, image and class, for a
    string that is malformed or does not fit the image.
    """
    table = _PairedTable.open(predictions, labelled)
    rows = []
    with progress("scoring", len(labelled.samples)) as advance:
        for sample in labelled.samples:
            rows.append(_score_image(sample, table, labelled, RleFormat(order, base)))
            advance(1)
    return Scores(
        image_names=tuple(sample.name for sample in labelled.samples),
        class_names=labelled.classes.names,
        groups=tuple(sample.group for sample in labelled.samples),
        dice=np.stack(rows),
    )


def write_scores(path: Path, scores: Scores) -> None:
    """Write Dice as a CSV, an image a row and a class a column, whole or not at all."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["image_name", *scores.class_names])
        for name, row in zip(scores.image_names, scores.dice, strict=True):
            writer.writerow([name, *(f"{value:.6f}" for value in row)])


@dataclass(frozen=True, slots=True)
class _PairedTable:
    """A table of predictions, and under which name it lists each sample."""

    table: RleTable
    listed: Mapping[str, str]

    @classmethod
    def open(cls, path: Path, labelled: LabelledFolder) -> _PairedTable:
        table = open_rle_table(path)
        names = pair_names(path, labelled.samples, table.places, what="prediction")
        _check_classes(table, names, labelled.classes.names)
        return cls(table, {sample: listed for listed, sample in names.items()})

    def runs(
        self, sample: Sample, class_names: Sequence[str], size: tuple[int, int], rle: RleFormat
    ) -> list[Runs]:
        """Runs of an image, one entry a class; raises RleError with line, image and class."""
        listed = self.listed[sample.name]
        strings = self.table.strings(listed)
        runs = []
        for name in class_names:
            try:
                runs.append(rle.parse(strings[name], size))
            except EnsError as error:
                line = self.table.where(listed, name)
                raise error.at(f"{line}: {sample.name}, {name}") from error
        return runs


def _check_classes(table: RleTable, names: Mapping[str, str], class_names: Sequence[str]) -> None:
    """Raise DataError unless every image has every class; `names`: samples by name in the table."""
    if unknown := sorted(set(table.class_names) - set(class_names)):
        raise DataError(
            counted(len(unknown), "class is", "classes are") + " not in the labels",
            where=table.path,
            got=few(unknown),
            expected=", ".join(class_names),
        )
    missing = [
        f"{name} in {names[listed]}"
        for listed, rows in table.places.items()
        for name in class_names
        if name not in rows
    ]
    if missing:
        raise DataError(
            counted(len(missing), "row is", "rows are") + " missing",
            where=table.path,
            got=f"no {few(missing)}",
            remedy="an empty mask needs a row with an empty field",
        )


def _score_image(
    sample: Sample, table: _PairedTable, labelled: LabelledFolder, rle: RleFormat
) -> NDArray[np.float64]:
    size = image_size(sample.image)
    runs = table.runs(sample, labelled.classes.names, size, rle)
    return image_dice(runs, labelled.read_label(sample, size))
