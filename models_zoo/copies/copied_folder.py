"""The labelled folder that copies are written to: images as PNG, labels as few files as can be.

Classes that overlap become labels.csv of run lengths: 29 masks of a hand are 100 kB of text, and a
folder of masks a class would be 29 files an image. Others become index maps, which alone can say
that a pixel is ignored.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import TextIO

import cv2
import numpy as np
import yaml

from ensemble.bit_planes import get_mask
from ensemble.classes import CLASS_FILE, ClassList, class_list_to_dict
from ensemble.errors import ClassListError, OutputError
from ensemble.runs.rle import encode, format_pairs
from ensemble.runs.rle_table import COLUMNS
from models_zoo.examples.augment import Example

_IMAGES, _MAPS, _TABLE = "images", "labels", "labels.csv"


class CopiedFolder:
    """Takes examples one after the other; it is written under another name until it is whole.

    With `as_maps` no pixel has several classes. Raises OutputError for what cannot be written.
    """

    def __init__(self, folder: Path, classes: ClassList, *, as_maps: bool) -> None:
        self._folder = folder
        self._part = folder.with_name(f"{folder.name}.part")
        self._classes = classes
        self._as_maps = as_maps
        self._table: TextIO | None = None

    def __enter__(self) -> CopiedFolder:
        try:
            self._part.mkdir(parents=True)
            content = yaml.safe_dump(
                class_list_to_dict(self._classes), sort_keys=False, allow_unicode=True
            )
            (self._part / CLASS_FILE).write_text(content, encoding="utf-8")
            if not self._as_maps:
                self._table = (self._part / _TABLE).open("w", encoding="utf-8", newline="")
                csv.writer(self._table, lineterminator="\n").writerow(COLUMNS)
        except FileExistsError as error:
            raise OutputError(
                "is there already, perhaps of a run that was stopped",
                where=self._part,
                remedy="remove it",
            ) from error
        except OSError as error:
            raise self._refused(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._table is not None:
            self._table.close()
        if kind is not None:
            shutil.rmtree(self._part, ignore_errors=True)
        else:
            try:
                if self._folder.exists():
                    self._folder.rmdir()
                self._part.replace(self._folder)
            except OSError as error:
                raise self._refused(error) from error

    def add(self, name: str, example: Example) -> None:
        """Write an image, by its name below images/, and its label."""
        try:
            _write_png(self._part / _IMAGES / name, example.image[:, :, ::-1])
            if self._table is None:
                _write_png(self._part / _MAPS / name, self._index_map(example))
                return
            rows = csv.writer(self._table, lineterminator="\n")
            for c, class_name in enumerate(self._classes.names):
                runs = encode(get_mask(example.planes, c))
                rows.writerow([name, class_name, format_pairs(runs)])
        except OSError as error:
            raise self._refused(error) from error

    def _index_map(self, example: Example) -> np.ndarray:
        """Pixel values (H, W); what no class has, as a warp brings in, is background or ignored."""
        classes = self._classes
        beyond = np.iinfo(np.uint16).max
        values = np.full(example.ignored.shape, beyond, np.uint16)
        for c, value in enumerate(classes.pixel_values):
            values[get_mask(example.planes, c)] = value
        if classes.background is not None:
            values[values == beyond] = classes.pixel_values[classes.background]
        if classes.ignore is not None:
            values[(values == beyond) | example.ignored] = classes.ignore
        if (values == beyond).any():
            raise ClassListError(
                "pixels without a class cannot be written",
                expected="a class named background, or ignore, in classes.yaml",
            )
        return values if values.max() > np.iinfo(np.uint8).max else values.astype(np.uint8)

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(f"cannot be written: {error.strerror or error}", where=self._part)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _, encoded = cv2.imencode(".png", np.ascontiguousarray(pixels))
    path.write_bytes(encoded.tobytes())
