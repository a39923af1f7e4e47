"""What images have in common that each fold should have its share of: classes, pose, sex."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import get_mask
from ensemble.data.datasets import LabelledFolder
from ensemble.data.metadata import TABLE_FILES, Metadata, find_metadata, read_metadata
from ensemble.errors import ConfigError, few
from ensemble.progress import Progress
from models_zoo.copies.pose import BENT_FROM_DEG, folder_leans_deg

# The words for which classes an image shows and for how what is labelled leans; others are columns
# of the table of persons.
CLASSES, POSE = "classes", "pose"
_QUANTILES = (0.25, 0.5, 0.75)

Traits = NDArray[np.bool_]


def image_traits(train: LabelledFolder, by: Sequence[str], progress: Progress) -> Traits:
    """Which of K traits each image has, (N, K): a class that it shows, a category, a quarter.

    `by`: "classes", "pose" (upright, or leaning to a side by BENT_FROM_DEG or more), or columns of
    the table beside the data; numbers fall into quarters, and what is not known is a trait too.
    Raises ConfigError for a column that the table lacks.
    """
    columns = [name for name in by if name not in (CLASSES, POSE)]
    found = [_shown_classes(train, progress)] if CLASSES in by else []
    found += [_poses(train, progress)] if POSE in by else []
    if columns:
        metadata = _metadata_of(train, columns)
        rows = metadata.rows_of(train.samples)
        found += [_column_traits(metadata, name, rows) for name in columns]
    return np.concatenate(found, axis=1)


def _shown_classes(train: LabelledFolder, progress: Progress) -> Traits:
    num_classes, rows = len(train.classes), []
    with progress("classes of each image", len(train.samples)) as advance:
        for sample in train.samples:
            planes = train.read_label(sample).planes
            rows.append([bool(get_mask(planes, c).any()) for c in range(num_classes)])
            advance(1)
    return np.array(rows)


def _poses(train: LabelledFolder, progress: Progress) -> Traits:
    leans = folder_leans_deg(train, progress)
    left, right = leans >= BENT_FROM_DEG, leans <= -BENT_FROM_DEG
    unknown = np.isnan(leans)
    return np.stack([left, right, ~(left | right | unknown), unknown], axis=1)


def _metadata_of(train: LabelledFolder, columns: Sequence[str]) -> Metadata:
    path = find_metadata(train.folder)
    if path is None:
        raise ConfigError(
            f"there is no table of persons to stratify by {few(columns)}",
            where=train.folder,
            expected=f"one of {', '.join(TABLE_FILES)} in it or above it",
        )
    metadata = read_metadata(path)
    known = [CLASSES, POSE, *metadata.numbers, *metadata.categories]
    if unknown := [name for name in columns if name not in known]:
        raise ConfigError(
            "the split is stratified by what the table of persons lacks",
            where=path,
            expected=f"of {', '.join(known)}",
            got=few(unknown),
        )
    return metadata


def _column_traits(metadata: Metadata, name: str, rows: NDArray[np.int64]) -> Traits:
    """One trait a category or quarter, and a last one for images of which it is not known."""
    values: list[int | str | None]
    if name in metadata.numbers:
        numbers = metadata.numbers[name]
        known = numbers[~np.isnan(numbers)]
        limits = np.unique(np.quantile(known, _QUANTILES)) if len(known) else known
        values = [None if np.isnan(x) else int(np.searchsorted(limits, x)) for x in numbers]
    else:
        values = list(metadata.categories[name])
    of_images = [values[row] if row >= 0 else None for row in rows.tolist()]
    kinds = list(dict.fromkeys(of_images))
    return np.array([[value == kind for kind in kinds] for value in of_images])
