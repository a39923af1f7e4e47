"""The graded score of a predictions file against labels."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import LabelledFolder, Sample
from ensemble.data.paired_table import PairedTable
from ensemble.dice import image_dice
from ensemble.errors import RleError
from ensemble.files.whole_file import whole_file
from ensemble.images.reading import image_size
from ensemble.intervals import SCORES, Interval, bootstrap_groups
from ensemble.progress import Progress, silent
from ensemble.runs.rle import Base, Order, RleFormat

INTERVAL_LEVEL = 0.95

# Masks read in the wrong order of pixels overlap by chance only. Of so many images both are tried.
_SOUND, _MUCH, _FEW = 0.5, 0.2, 5


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
        return bootstrap_groups(values, self.groups, level=INTERVAL_LEVEL, seed=seed, limits=SCORES)


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
    table = PairedTable.open(predictions, labelled)
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


def better_order(
    predictions: Path, labelled: LabelledFolder, scores: Scores, rle: RleFormat
) -> tuple[Order, float] | None:
    """The other order of pixels, if a few images score much better when runs are read in it.

    With their mean Dice then; None where scores are sound, or as bad either way.
    """
    if scores.mean > _SOUND:
        return None
    other: Order = "column" if rle.order == "row" else "row"
    table = PairedTable.open(predictions, labelled)
    few = labelled.samples[:_FEW]
    try:
        found = [_score_image(s, table, labelled, RleFormat(other, rle.base)) for s in few]
    except RleError:  # runs that reach beyond an image read along its other side
        return None
    dice = float(np.mean(found))
    return (other, dice) if dice > scores.dice[: len(few)].mean() + _MUCH else None


def write_scores(path: Path, scores: Scores) -> None:
    """Write Dice as a CSV, an image a row and a class a column, whole or not at all."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["image_name", *scores.class_names])
        for name, row in zip(scores.image_names, scores.dice, strict=True):
            writer.writerow([name, *(f"{value:.6f}" for value in row)])


def _score_image(
    sample: Sample, table: PairedTable, labelled: LabelledFolder, rle: RleFormat
) -> NDArray[np.float64]:
    size = image_size(sample.image)
    runs = table.runs(sample, labelled.classes.names, size, rle)
    return image_dice(runs, labelled.read_label(sample, size))
