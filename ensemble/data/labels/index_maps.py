"""`labels/<stem>.png`: one map an image, whose pixel values name classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import WORD_BITS, Label, num_words
from ensemble.classes import CLASS_FILE, ClassList
from ensemble.data.labels.pairing import files_by_key, pair_files
from ensemble.data.labels.png_maps import read_indices
from ensemble.data.labels.source import refuse_size
from ensemble.data.samples import Sample
from ensemble.errors import ClassListError, DataError, LabelError, few
from ensemble.files.file_tree import find_files
from ensemble.images.reading import IMAGE_SUFFIXES
from ensemble.wording import counted

_MAP_SUFFIX = ".png"
_NUM_VALUES = 2**16


@dataclass(frozen=True, slots=True)
class IndexMaps:
    """Maps by sample name."""

    classes: ClassList
    files: Mapping[str, Path]

    def read(self, name: str, size: tuple[int, int]) -> Label:
        """The label of a sample; raises LabelError with the file for values of no class."""
        path = self.files[name]
        indices = read_indices(path)
        try:
            refuse_size((indices.shape[0], indices.shape[1]), size)
            return label_from_indices(indices, self.classes)
        except LabelError as error:
            raise error.at(path) from error


def open_index_maps(root: Path, samples: Sequence[Sample], classes: ClassList | None) -> IndexMaps:
    """Pair the maps under `root` with the samples; a class list is needed to name their values.

    Raises ClassListError without one, DataError for unpaired files and for files that are no PNG.
    """
    if classes is None:
        raise ClassListError(
            "an index map needs a class list, since pixel values have no names",
            where=root,
            remedy=f"write {CLASS_FILE} with names in order of value beside or above the folder",
        )
    files = find_files(root, IMAGE_SUFFIXES)
    if strays := [path.name for path in files if path.suffix.lower() != _MAP_SUFFIX]:
        raise DataError(
            counted(len(strays), "index map is", "index maps are") + " no PNG",
            where=root,
            got=few(strays),
        )
    return IndexMaps(classes, pair_files(root, samples, files_by_key(root, files)))


def label_from_indices(
    indices: NDArray[np.uint8] | NDArray[np.uint16], classes: ClassList
) -> Label:
    """The label of pixel values (H, W), in which every pixel has one class or is ignored.

    Raises LabelError for a value that is neither, with its number of pixels.
    """
    known = _flags(classes.pixel_values)
    ignored = _flags([] if classes.ignore is None else [classes.ignore])
    _refuse_unknown(indices, known | ignored, classes)
    left_out = ignored[indices]
    return Label(_words(classes)[:, indices], left_out if left_out.any() else None)


def _words(classes: ClassList) -> NDArray[np.uint32]:
    """(K, 65536): the words of the pixel that holds a value."""
    words = np.zeros((num_words(len(classes)), _NUM_VALUES), np.uint32)
    for class_index, value in enumerate(classes.pixel_values):
        if value < _NUM_VALUES:
            word, bit = divmod(class_index, WORD_BITS)
            words[word, value] = np.uint32(1) << np.uint32(bit)
    return words


def _flags(values: Sequence[int]) -> NDArray[np.bool_]:
    """(65536,) bool: which pixel values are among these."""
    return np.isin(np.arange(_NUM_VALUES), values)


def _refuse_unknown(
    indices: NDArray[np.uint8] | NDArray[np.uint16], known: NDArray[np.bool_], classes: ClassList
) -> None:
    stray = ~known[indices]
    if not stray.any():
        return
    values, counts = np.unique(indices[stray], return_counts=True)
    found = [
        f"{value} in {counted(count, 'pixel')}" for value, count in zip(values, counts, strict=True)
    ]
    ignore = "" if classes.ignore is None else f", {classes.ignore} to ignore"
    raise LabelError(
        "holds pixel values of no class",
        expected=f"{few([str(value) for value in classes.pixel_values])}{ignore}",
        got=few(found),
        remedy=f"name the class of every value in {CLASS_FILE}, or ignore one value",
    )
