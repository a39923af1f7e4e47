"""All that is wrong with the predictions of a labelled folder, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label
from ensemble.data.datasets import LabelledFolder, Sample
from ensemble.data.metadata import MetadataOf, metadata_of
from ensemble.data.paired_table import PairedTable
from ensemble.diagnosis.image_errors import find_errors
from ensemble.diagnosis.persons import GroupScore, score_groups
from ensemble.evaluate import Scores
from ensemble.images.reading import image_size
from ensemble.metrics import METRICS, dice
from ensemble.progress import Progress, silent
from ensemble.runs.rle import RleFormat, Runs
from ensemble.streaming import ordered_map

_THREADS = 2

Floats = NDArray[np.float64]
_Row = tuple[NDArray[np.int64], Floats, NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class PredictedFolder:
    """A labelled folder and the predictions of its images."""

    labelled: LabelledFolder
    table: PairedTable
    rle: RleFormat

    @classmethod
    def open(cls, predictions: Path, labelled: LabelledFolder, rle: RleFormat) -> PredictedFolder:
        """Pair a predictions file with a folder; raises DataError as `PairedTable.open`."""
        return cls(labelled, PairedTable.open(predictions, labelled), rle)

    def read(self, sample: Sample) -> tuple[list[Runs], Label]:
        """Predicted runs, one entry a class, and the label of a sample."""
        size = image_size(sample.image)
        runs = self.table.runs(sample, self.labelled.classes.names, size, self.rle)
        return runs, self.labelled.read_label(sample, size)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The errors of N images and C classes; ignored pixels count nowhere.

    `counts` (N, C, 3): predicted area, intersection and true area. `surface_px` (N, C, 2), `boxes`
    (N, C, 4) and `verdicts` (N, 2, 4) as `ImageErrors` has them; `confusion` (C + 1, C + 1) and
    `shared` (3, C, C) are summed over images. `by_person`: None without a table of persons;
    `unused_metadata`: why one that lies beside the data is none.
    """

    data: PredictedFolder
    scores: Scores
    counts: NDArray[np.int64]
    surface_px: Floats
    boxes: NDArray[np.int64]
    verdicts: NDArray[np.int64]
    confusion: NDArray[np.int64]
    shared: NDArray[np.int64]
    by_person: tuple[GroupScore, ...] | None
    unused_metadata: str | None = None

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The images, in the order of all arrays."""
        return self.data.labelled.samples

    @property
    def iou(self) -> Floats:
        """(N, C): 1 where both masks are empty."""
        return METRICS["iou"].scores(self.counts)

    @property
    def precision(self) -> Floats:
        """(N, C): share of the predicted pixels that is right; NaN where none is predicted."""
        return _share(self.counts[..., 1], self.counts[..., 0])

    @property
    def recall(self) -> Floats:
        """(N, C): share of the true pixels that is predicted; NaN where there is none."""
        return _share(self.counts[..., 1], self.counts[..., 2])


def diagnose(
    data: PredictedFolder,
    *,
    metadata: Path | None = None,
    progress: Progress = silent,
    threads: int = _THREADS,
) -> Diagnosis:
    """Compare all predictions with their labels; memory does not grow with the pixels of images.

    `metadata` is by default the table of persons beside the data. Raises DataError as `evaluate`
    and for a named table that cannot be read.
    """
    samples = data.labelled.samples
    persons = metadata_of(data.labelled.folder, metadata)
    count = len(data.labelled.classes)
    rows: list[_Row] = []
    confusion = np.zeros((count + 1, count + 1), np.int64)
    shared = np.zeros((3, count, count), np.int64)
    found = ordered_map(
        lambda sample: find_errors(*data.read(sample), data.labelled.classes),
        samples,
        threads=threads,
        ahead=2 * threads,
    )
    with progress("comparing", len(samples)) as advance:
        for image in found:
            rows.append((image.counts, image.surface_px, image.boxes, image.verdicts))
            confusion += image.confusion
            shared += image.shared
            advance(1)
    return _join(data, rows, confusion, shared, persons)


def _join(
    data: PredictedFolder,
    rows: Sequence[_Row],
    confusion: NDArray[np.int64],
    shared: NDArray[np.int64],
    persons: MetadataOf,
) -> Diagnosis:
    samples = data.labelled.samples
    counts, surface_px, boxes, verdicts = (np.stack(part) for part in zip(*rows, strict=True))
    predicted, both, true = np.moveaxis(counts, -1, 0)
    scores = Scores(
        image_names=tuple(sample.name for sample in samples),
        class_names=data.labelled.classes.names,
        groups=tuple(sample.group for sample in samples),
        dice=dice(both, predicted, true),
    )
    by_image = scores.dice.mean(axis=1)
    return Diagnosis(
        data=data,
        scores=scores,
        counts=counts,
        surface_px=surface_px,
        boxes=boxes,
        verdicts=verdicts,
        confusion=confusion,
        shared=shared,
        by_person=None if persons.table is None else score_groups(persons.table, samples, by_image),
        unused_metadata=persons.unused,
    )


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
