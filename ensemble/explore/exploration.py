"""What a person should know of a data set before training, as arrays and lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import Sample, labelled_folders, open_folder, open_images
from ensemble.data.metadata import Metadata, metadata_of
from ensemble.data.split_file import read_split_of
from ensemble.errors import DataError
from ensemble.explore.duplicates import (
    CopiedImage,
    Hashes,
    find_copies,
    find_equal_labels,
    image_hashes,
)
from ensemble.explore.facing import beside_others, mirrored_images, turn
from ensemble.explore.label_survey import LabelSurvey
from ensemble.explore.looks import Looks
from ensemble.explore.outliers import Outlier, find_outliers
from ensemble.explore.relations import Persons, Relation, join_persons, relate
from ensemble.explore.shapes import Shapes, shapes_of
from ensemble.explore.shift import Shift, compare_looks
from ensemble.explore.sides import ImagePair, MirrorPair, image_pairs, mirror_pairs
from ensemble.explore.survey import Survey, survey
from ensemble.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class LabelFindings:
    """What the labels of a data set tell.

    `is_mirrored` (N,): images that show their classes the other way round than most. Outliers are
    found, and mean masks drawn, as if these were turned. `shapes` are those of the images as they
    are.
    `equal_labels`: sets of images whose labels agree. `empty`: images that hold no class, or the
    background alone.
    """

    counts: LabelSurvey
    shapes: Shapes
    is_mirrored: NDArray[np.bool_]
    outliers: list[Outlier]
    mirror_pairs: list[MirrorPair]
    equal_labels: list[tuple[int, ...]]
    empty: list[int]

    @property
    def odd_masks(self) -> set[tuple[int, int]]:
        """Image and class of every mask that is an outlier in anything."""
        return {(outlier.image, outlier.class_index) for outlier in self.outliers}


@dataclass(frozen=True, slots=True)
class PersonFindings:
    """What a table of persons tells of those who have images here; no relations without labels."""

    table: Metadata
    persons: Persons
    relations: list[Relation]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another folder's images against these; of copies the first is here, the second there."""

    survey: Survey
    shift: Shift
    copies: list[CopiedImage]


@dataclass(frozen=True, slots=True)
class Exploration:
    """All findings; parts that the data do not have are None.

    `folds` (N,): in which fold of a split each image lies, None without one. `unused_metadata`: why
    a table that lies beside the data is no table of persons. `labelled_below`: labelled folders in
    one that is none itself.
    """

    survey: Survey
    labels: LabelFindings | None
    copies: list[CopiedImage]
    pairs: list[ImagePair]
    persons: PersonFindings | None
    against: Comparison | None
    folds: NDArray[np.int64] | None = None
    unused_metadata: str | None = None
    labelled_below: tuple[Path, ...] = ()

    def labels_agree(self, copy: CopiedImage) -> bool | None:
        """Whether two copies have the same label; None where that cannot be compared.

        It cannot without labels, of mirrored copies, and of copies of another size.
        """
        sizes = self.survey.looks.size
        is_same_size = np.array_equal(sizes[copy.first], sizes[copy.second])
        if self.labels is None or copy.is_mirrored or not is_same_size:
            return None
        return self.labels.counts.is_same(copy.first, copy.second)

    def are_apart(self, copy: CopiedImage) -> bool:
        """Whether two images of this folder may be, or are, on two sides of a split."""
        samples = self.survey.samples
        if self.folds is not None:
            return bool(self.folds[copy.first] != self.folds[copy.second])
        return samples[copy.first].group != samples[copy.second].group


def explore(
    folder: Path,
    *,
    against: Path | None = None,
    groups: str | None = None,
    metadata: Path | None = None,
    split: Path | None = None,
    progress: Progress = silent,
) -> Exploration:
    """Explore a folder with labels or without, and compare its images with those of another.

    `metadata` is by default the table of persons beside the data; `split` the file that training
    left beside the members. Raises DataError for folders, tables and splits that cannot be opened;
    samples that cannot be read are listed in the survey.
    """
    if against is not None and against.resolve() == folder.resolve():
        raise DataError("is compared with itself", where=folder, remedy="name another folder")
    persons = metadata_of(folder, metadata)
    opened = [(folder, open_folder(folder, groups=groups))]
    if against is not None:
        opened.append((against, open_images(against, groups=groups)))
    folds = None if split is None else read_split_of(split, folder, opened[0][1].samples)
    found, *others = [survey(place, data, progress=progress) for place, data in opened]
    hashes = image_hashes(found.looks.thumbnail)
    labels = None if found.labels is None else label_findings(found.labels, found.looks)
    return Exploration(
        survey=found,
        labels=labels,
        copies=find_copies(found.samples, hashes),
        pairs=image_pairs(
            [sample.group for sample in found.samples],
            found.looks.thumbnail,
            None if labels is None else labels.shapes,
        ),
        persons=None if persons.table is None else _person_findings(persons.table, found, labels),
        unused_metadata=persons.unused,
        labelled_below=tuple(labelled_folders(folder)) if labels is None else (),
        against=_compare(found, hashes, others[0]) if others else None,
        folds=None if folds is None else _folds_of(found.samples, opened[0][1].samples, folds),
    )


def _folds_of(
    samples: Sequence[Sample], opened: Sequence[Sample], folds: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The folds (N,) of the samples that could be read, from those of all."""
    by_name = dict(zip((sample.name for sample in opened), folds.tolist(), strict=True))
    return np.array([by_name[sample.name] for sample in samples], np.int64)


def label_findings(counts: LabelSurvey, looks: Looks) -> LabelFindings:
    """What the labels tell of images that look so."""
    shapes = shapes_of(counts.sums, looks.size, looks.depth_bits, counts.ignored_px)
    is_mirrored = mirrored_images(counts.orders, counts.classes)
    judged = beside_others(turn(shapes, is_mirrored)) if is_mirrored.any() else shapes
    return LabelFindings(
        counts=counts,
        shapes=shapes,
        is_mirrored=is_mirrored,
        outliers=find_outliers(judged),
        mirror_pairs=mirror_pairs(counts.classes, shapes),
        equal_labels=find_equal_labels(
            _without(counts.places, counts.classes.background), looks.size
        ),
        empty=_empty_images(shapes, counts.classes.background),
    )


def _empty_images(shapes: Shapes, background: int | None) -> list[int]:
    return np.flatnonzero(~_without(shapes.is_present, background).any(axis=1)).tolist()


def _without(values: NDArray[Any], background: int | None) -> NDArray[Any]:
    """Values (N, C, ...) of all classes but a background."""
    return values if background is None else np.delete(values, background, axis=1)


def _person_findings(
    table: Metadata, found: Survey, labels: LabelFindings | None
) -> PersonFindings:
    count = len(found.samples)
    areas = np.zeros((count, 0)) if labels is None else labels.shapes.area_share
    persons = join_persons(table, found.samples, areas)
    return PersonFindings(table, persons, [] if labels is None else relate(table, persons))


def _compare(found: Survey, hashes: Hashes, others: Survey) -> Comparison:
    return Comparison(
        survey=others,
        shift=compare_looks(found.looks, found.samples, others.looks, others.samples),
        copies=find_copies(
            found.samples, hashes, others.samples, image_hashes(others.looks.thumbnail)
        ),
    )
