"""What every label layout offers, and the rules that hold in all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from ensemble.bit_planes import Label, Planes, add_mask
from ensemble.classes import BACKGROUND, ClassList
from ensemble.errors import ClassListError, LabelError
from ensemble.runs.rle import Runs, decode
from ensemble.wording import counted, near_misses


class LabelSource(Protocol):
    """The labels of one folder, paired with its images and free of unknown classes."""

    @property
    def classes(self) -> ClassList:
        """The class list that the bits of a label follow."""
        ...

    def read(self, name: str, size: tuple[int, int]) -> Label:
        """The label of the sample `name`, whose image is (H, W) = size; LabelError if unfit."""
        ...


def refuse_unknown(found: Iterable[str], classes: ClassList) -> None:
    """Raise ClassListError with every class name of the labels that the class list lacks."""
    if unknown := sorted(set(found) - set(classes.names)):
        raise ClassListError(
            "the labels hold unknown classes",
            expected=f"one of {', '.join(classes.names)}",
            got=", ".join(unknown) + near_misses(unknown, classes.names),
            remedy="add them to classes.yaml, or remove their labels",
        )


def refuse_size(label_size: tuple[int, int], image_size: tuple[int, int]) -> None:
    """Raise LabelError unless both are the same (H, W)."""
    if label_size != image_size:
        raise LabelError(
            "label and image differ in size",
            expected=f"{image_size[1]} x {image_size[0]} as the image",
            got=f"{label_size[1]} x {label_size[0]} (width x height)",
        )


def add_runs(planes: Planes, class_index: int, runs: Runs) -> None:
    """Unite runs, which must fit the size of the planes, with what the class has, in place."""
    if not len(runs):
        return
    width = planes.shape[2]
    top, bottom = runs[0, 0] // width, (runs[-1].sum() - 1) // width + 1
    in_band = runs - np.array([top * width, 0], np.int64)
    add_mask(planes[:, top:bottom], class_index, decode(in_band, (bottom - top, width)))


def finish_label(planes: Planes, classes: ClassList) -> Label:
    """A label that keeps the promise of its class list; `planes` may be changed in place.

    In an exclusive list every pixel gets exactly one class: the class "background" takes what no
    other has. Raises LabelError where that is impossible.
    """
    if classes.exclusive:
        _fill_background(planes, classes)
        _refuse_overlap(planes)
    return Label(planes)


def _fill_background(planes: Planes, classes: ClassList) -> None:
    bare = np.asarray(~planes.any(axis=0), np.bool_)
    if classes.background is not None:
        add_mask(planes, classes.background, bare)
    elif count := int(bare.sum()):
        raise LabelError(
            counted(count, "pixel has", "pixels have") + " no class, but the classes are exclusive",
            remedy=f"name a class {BACKGROUND!r} in classes.yaml, or set exclusive: false",
        )


def _refuse_overlap(planes: Planes) -> None:
    claims = np.bitwise_count(planes).sum(axis=0, dtype=np.uint16)
    if count := int((claims > 1).sum()):
        raise LabelError(
            counted(count, "pixel has", "pixels have")
            + " two classes or more, but the classes are exclusive",
            remedy="set exclusive: false in classes.yaml, or mend the labels",
        )
