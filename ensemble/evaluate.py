"""The graded score of a predictions file against labels."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ensemble.datasets import LabelledFolder, Sample
from ensemble.dice import image_dice
from ensemble.errors import DataError, EnsError, OutputError, few
from ensemble.images import image_size
from ensemble.intervals import Interval, bootstrap_groups
from ensemble.outputs.rle_csv import Predictions, read_predictions
from ensemble.progress import Progress, silent
from ensemble.rle import Base, Order, parse_rle

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
    that lists what is missing, unknown or doubled; RleError, with image and class, for a string
    that is malformed or does not fit the image.
    """
    table = match_images(read_predictions(predictions), labelled.samples)
    class_names = labelled.classes.names
    _check_classes(table, class_names, predictions)
    rows = []
    with progress("scoring", len(labelled.samples)) as advance:
        for sample in labelled.samples:
            rows.append(_score_image(sample, table[sample.name], labelled, (order, base)))
            advance(1)
    return Scores(
        image_names=tuple(sample.name for sample in labelled.samples),
        class_names=class_names,
        groups=tuple(sample.group for sample in labelled.samples),
        dice=np.stack(rows),
    )


def match_images(predictions: Predictions, samples: Sequence[Sample]) -> dict[str, dict[str, str]]:
    """The rows of a predictions file by sample name; raises DataError unless they pair up."""
    bases = Counter(PurePosixPath(sample.name).name for sample in samples)
    keys = {PurePosixPath(s.name).name: s.name for s in samples} | {s.name: s.name for s in samples}
    paths = {sample.name for sample in samples}
    shared = [name for name in predictions.rle if bases[name] > 1 and name not in paths]
    unknown = [name for name in predictions.rle if name not in keys]
    named = Counter(keys[name] for name in predictions.rle if name in keys)
    problems = (
        ("images are not in the labelled folder", unknown),
        ("base names are shared by several labelled images", shared),
        ("images come under two names", [name for name, count in named.items() if count > 1]),
        ("labelled images have no prediction", [s.name for s in samples if not named[s.name]]),
    )
    for what, names in problems:
        if names:
            raise DataError(
                f"{len(names)} {what}",
                where=predictions.path,
                got=few(names),
                remedy="was it made from the images of this folder?",
            )
    return {keys[name]: row for name, row in predictions.rle.items()}


def write_scores(path: Path, scores: Scores) -> None:
    """Write Dice as a CSV, an image a row and a class a column; raises OutputError."""
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["image_name", *scores.class_names])
            for name, row in zip(scores.image_names, scores.dice, strict=True):
                writer.writerow([name, *(f"{value:.6f}" for value in row)])
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=path) from error


def _check_classes(
    table: dict[str, dict[str, str]], class_names: Sequence[str], path: Path
) -> None:
    found = {name for row in table.values() for name in row}
    if unknown := sorted(found - set(class_names)):
        raise DataError(
            f"{len(unknown)} classes are not in the labels",
            where=path,
            got=few(unknown),
            expected=", ".join(class_names),
        )
    missing = [
        f"{name} in {image}"
        for image, row in table.items()
        for name in class_names
        if name not in row
    ]
    if missing:
        raise DataError(
            f"{len(missing)} rows are missing",
            where=path,
            got=f"no {few(missing)}",
            remedy="an empty mask needs a row with an empty field",
        )


def _score_image(
    sample: Sample, row: dict[str, str], labelled: LabelledFolder, rle: tuple[Order, Base]
) -> NDArray[np.float64]:
    size = image_size(sample.image)
    runs = []
    for name in labelled.classes.names:
        try:
            runs.append(parse_rle(row[name], size, order=rle[0], base=rle[1]))
        except EnsError as error:
            raise error.at(f"{sample.name}, {name}") from error
    return image_dice(runs, labelled.read_label(sample, size))
