"""The hand-bone contest's labels: one JSON file an image, one polygon an annotation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from ensemble.bit_planes import WORD_BITS, Label, Planes, empty_planes
from ensemble.classes import CLASS_FILE, HAND_BONES, ClassList
from ensemble.data.labels.json_file import read_json
from ensemble.data.labels.pairing import files_by_key, pair_files
from ensemble.data.labels.polygons import Polygon
from ensemble.data.labels.source import finish_label, refuse_unknown
from ensemble.data.samples import Sample
from ensemble.errors import ClassListError, EnsError, LabelError
from ensemble.files.file_tree import find_files

# Beyond this a coordinate is no pixel, and would overflow the fixed point of cv2.fillPoly.
_FAR_PX = 2**20

_Pixel = Annotated[int, Field(strict=True, ge=-_FAR_PX, le=_FAR_PX)]


class _Annotation(BaseModel):
    label: Annotated[str, Field(min_length=1)]
    points: Annotated[list[tuple[_Pixel, _Pixel]], Field(min_length=3)]
    type: Literal["poly_seg"] = "poly_seg"


class _AnnotationFile(BaseModel):
    annotations: list[_Annotation]


@dataclass(frozen=True, slots=True)
class ContestLabels:
    """JSON files by sample name."""

    classes: ClassList
    files: Mapping[str, Path]

    def read(self, name: str, size: tuple[int, int]) -> Label:
        """The filled polygons of a sample, those of one class united; LabelError with the file."""
        path = self.files[name]
        planes = empty_planes(len(self.classes), size)
        for annotation in read_json(path, _AnnotationFile).annotations:
            points = np.array(annotation.points, np.int32)
            fill_polygon(planes, self.classes.index(annotation.label), points)
        try:
            return finish_label(planes, self.classes)
        except LabelError as error:
            raise error.at(path) from error

    @property
    def names_pixels(self) -> bool:
        """Coordinates are pixels."""
        return True

    def polygons(self, name: str) -> list[Polygon]:
        """All annotations of a sample as they are stated."""
        annotations = read_json(self.files[name], _AnnotationFile).annotations
        return [
            Polygon(
                f"annotations[{number}]",
                self.classes.index(annotation.label),
                np.array(annotation.points, np.float64),
            )
            for number, annotation in enumerate(annotations)
        ]


def open_contest(root: Path, samples: Sequence[Sample], classes: ClassList | None) -> ContestLabels:
    """Pair the JSON files under `root` with the samples, and check all of them.

    Without a class list the classes are the contest's 29 bones. Raises DataError for unpaired
    files, LabelError for a malformed one, ClassListError for unknown classes.
    """
    files = pair_files(root, samples, files_by_key(root, find_files(root, [".json"])))
    found = {
        annotation.label
        for path in files.values()
        for annotation in read_json(path, _AnnotationFile).annotations
    }
    try:
        return ContestLabels(_choose_classes(found, classes), files)
    except EnsError as error:
        raise error.at(root) from error


def _choose_classes(found: set[str], classes: ClassList | None) -> ClassList:
    if classes is None and not found <= set(HAND_BONES.names):
        strays = sorted(found - set(HAND_BONES.names))
        raise ClassListError(
            "the labels are not the contest's 29 bones, and there is no class list",
            got=", ".join(strays),
            remedy=f"write {CLASS_FILE} with names in order beside or above the folder",
        )
    chosen = classes or HAND_BONES
    refuse_unknown(found, chosen)
    return chosen


def fill_polygon(planes: Planes, class_index: int, points: NDArray[np.int32]) -> None:
    """Set a class inside a polygon (N, 2: x, y), its border included, as cv2.fillPoly does.

    Only the polygon's bounding box inside the image is drawn; what lies outside is left out.
    """
    _, height, width = planes.shape
    left, top = np.maximum(points.min(axis=0), 0)
    right, bottom = np.minimum(points.max(axis=0) + 1, (width, height))
    if left >= right or top >= bottom:
        return
    filled = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillPoly(filled, [points - np.array([left, top], np.int32)], 1)
    word, bit = divmod(class_index, WORD_BITS)
    planes[word, top:bottom, left:right] |= filled.astype(np.uint32) << np.uint32(bit)
