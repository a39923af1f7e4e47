"""`annotations.json`: COCO instances, whose masks are united class by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pycocotools import mask as coco_mask
from pydantic import AfterValidator, BaseModel, Discriminator, Field, Tag

from ensemble.bit_planes import Label, empty_planes
from ensemble.classes import ClassList
from ensemble.data.labels.json_file import read_json
from ensemble.data.labels.pairing import pair_names
from ensemble.data.labels.polygons import Polygon
from ensemble.data.labels.source import add_runs, finish_label, refuse_size, refuse_unknown
from ensemble.data.samples import Sample
from ensemble.errors import DataError, EnsError, LabelError, RleError, few
from ensemble.runs.coco_rle import parse_coco
from ensemble.runs.rle import Runs
from ensemble.wording import counted

_FAR_PX = 2**20
_MOST_LISTED = 20

_Count = Annotated[int, Field(strict=True, ge=0)]
_Coordinate = Annotated[float, Field(allow_inf_nan=False, ge=-_FAR_PX, le=_FAR_PX)]


def _refuse_odd(numbers: list[float]) -> list[float]:
    if len(numbers) % 2:
        raise ValueError(f"must hold x, y pairs, but has {len(numbers)} numbers")
    return numbers


# A triangle at least: pycocotools takes four numbers for a box.
_Polygon = Annotated[list[_Coordinate], Field(min_length=6), AfterValidator(_refuse_odd)]


class _Rle(BaseModel):
    size: tuple[_Count, _Count]
    counts: str | list[_Count]


def _kind(segmentation: object) -> str:
    return "rle" if isinstance(segmentation, dict | _Rle) else "polygons"


_Polygons = Annotated[list[_Polygon], Field(min_length=1)]
_Segmentation = Annotated[
    Annotated[_Rle, Tag("rle")] | Annotated[_Polygons, Tag("polygons")], Discriminator(_kind)
]


class _Image(BaseModel):
    id: int
    file_name: str
    height: _Count | None = None
    width: _Count | None = None


class _Category(BaseModel):
    id: int
    name: str


class _Annotation(BaseModel):
    image_id: int
    category_id: int
    segmentation: _Segmentation


class _CocoFile(BaseModel):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation]


@dataclass(frozen=True, slots=True)
class _Mask:
    """One annotation: `place` in the file for messages."""

    place: str
    class_index: int
    segmentation: _Rle | Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class _ImageMasks:
    """The masks of one image, and its (H, W) if the file states it."""

    size: tuple[int, int] | None
    masks: list[_Mask]


@dataclass(frozen=True, slots=True)
class CocoLabels:
    """Annotations by sample name."""

    path: Path
    classes: ClassList
    images: Mapping[str, _ImageMasks]

    def read(self, name: str, size: tuple[int, int]) -> Label:
        """The label of a sample; raises LabelError with the file and the annotation."""
        image = self.images[name]
        planes = empty_planes(len(self.classes), size)
        place = name
        try:
            refuse_size(image.size or size, size)
            for mask in image.masks:
                place = mask.place
                add_runs(planes, mask.class_index, _mask_runs(mask.segmentation, size))
            place = name
            return finish_label(planes, self.classes)
        except LabelError as error:
            raise error.at(f"{self.path}: {place}") from error

    @property
    def names_pixels(self) -> bool:
        """Coordinates are corners of pixels."""
        return False

    def polygons(self, name: str) -> list[Polygon]:
        """The polygons of a sample as they are stated; run lengths are none."""
        return [
            Polygon(mask.place, mask.class_index, np.array(numbers, np.float64).reshape(-1, 2))
            for mask in self.images[name].masks
            if not isinstance(mask.segmentation, _Rle)
            for numbers in mask.segmentation
        ]


def open_coco(path: Path, samples: Sequence[Sample], classes: ClassList | None) -> CocoLabels:
    """Read an annotations.json and pair its images with the samples, by path or base name.

    Without a class list the classes are the categories by id. Raises LabelError for a malformed
    file, DataError for unpaired images, ClassListError for unknown classes.
    """
    content = read_json(path, _CocoFile)
    try:
        categories = _by_id("categories", [(c.id, c.name) for c in content.categories])
        images = _by_id("images", [(image.id, image.file_name) for image in content.images])
        _refuse_unknown_ids(content, images, categories)
        used = {categories[annotation.category_id] for annotation in content.annotations}
        classes = classes or ClassList(names=tuple(categories[i] for i in sorted(categories)))
        refuse_unknown(used, classes)
    except EnsError as error:
        raise error.at(path) from error
    names = pair_names(path, samples, images.values())
    masks: dict[int, _ImageMasks] = {
        image.id: _ImageMasks(_stated_size(image), []) for image in content.images
    }
    for number, annotation in enumerate(content.annotations):
        class_index = classes.index(categories[annotation.category_id])
        mask = _Mask(f"annotations[{number}]", class_index, annotation.segmentation)
        masks[annotation.image_id].masks.append(mask)
    return CocoLabels(path, classes, {names[images[i]]: found for i, found in masks.items()})


def _by_id(key: str, pairs: Sequence[tuple[int, str]]) -> dict[int, str]:
    names = dict(pairs)
    if len(names) < len(pairs) or len(set(names.values())) < len(pairs):
        ids, texts = Counter(i for i, _ in pairs), Counter(text for _, text in pairs)
        doubled = [f"id {i}" for i, count in ids.items() if count > 1]
        doubled += [text for text, count in texts.items() if count > 1]
        raise DataError(f"{key} holds the same entry twice", got=few(doubled, _MOST_LISTED))
    return names


def _refuse_unknown_ids(
    content: _CocoFile, images: Mapping[int, str], categories: Mapping[int, str]
) -> None:
    for key, known in (("image_id", images), ("category_id", categories)):
        used = [getattr(annotation, key) for annotation in content.annotations]
        if unknown := [
            f"annotations[{number}]: {value}"
            for number, value in enumerate(used)
            if value not in known
        ]:
            raise LabelError(
                counted(len(unknown), "annotation has", "annotations have") + f" an unknown {key}",
                got=few(unknown, _MOST_LISTED),
            )


def _stated_size(image: _Image) -> tuple[int, int] | None:
    if image.height is None or image.width is None:
        return None
    return image.height, image.width


def _mask_runs(segmentation: _Rle | Sequence[Sequence[float]], size: tuple[int, int]) -> Runs:
    if isinstance(segmentation, _Rle):
        refuse_size(segmentation.size, size)
        counts = segmentation.counts
    else:
        merged = coco_mask.merge(coco_mask.frPyObjects(segmentation, *size))
        counts = merged["counts"].decode("ascii")
    try:
        return parse_coco(counts, size)
    except RleError as error:
        raise LabelError(error.what, expected=error.expected, got=error.got) from error
