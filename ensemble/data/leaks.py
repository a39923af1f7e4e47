"""What two data sets share that are meant to be apart: groups, or the same images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import ImageFolder, LabelledFolder, Sample
from ensemble.errors import DataError, few
from ensemble.files.checksum import file_sha256
from ensemble.images.reading import reading
from ensemble.wording import counted


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


def check_folds(labelled: ImageFolder | LabelledFolder, folds: NDArray[np.int64]) -> None:
    """Raise DataError for images in different folds (N,) that are the same file by content.

    Files are read only where their sizes in bytes coincide.
    """
    by_size: dict[int, list[int]] = defaultdict(list)
    for index, sample in enumerate(labelled.samples):
        by_size[_num_bytes(sample.image)].append(index)
    by_content: dict[str, list[int]] = defaultdict(list)
    for indices in by_size.values():
        if len(set(folds[indices].tolist())) > 1:
            for index in indices:
                by_content[_sha256(labelled.samples[index].image)].append(index)
    torn = [each for each in by_content.values() if len(set(folds[each].tolist())) > 1]
    if torn:
        pairs = [" and ".join(labelled.samples[i].name for i in each) for each in torn]
        raise DataError(
            f"{counted(len(torn), 'image lies', 'images lie')} in several folds of {labelled.root}",
            got=few(pairs),
            remedy="remove the copies, or bring them into one group",
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
