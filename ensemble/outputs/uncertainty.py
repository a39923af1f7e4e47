"""The uncertainty of images: a grey picture of each, and a table of all."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.data.samples import Sample
from ensemble.errors import ConfigError, DataError
from ensemble.files.whole_file import whole_file
from ensemble.outputs.grey_pictures import open_pictures

TABLE_FILE = "uncertainty.csv"
COLUMNS = ("image_name", "mean", "unsure_share")

# Levels of 255 from which a pixel is unsure.
_UNSURE = 128


@dataclass(frozen=True, slots=True)
class Doubtfulness:
    """Of an image: the mean over its pixels, and the share of those that are unsure, both 0..1."""

    mean: float
    unsure_share: float


class UncertaintyPictures:
    """Pictures of the samples of a folder of images, see `open_pictures`.

    Raises ConfigError for a place in which they would be taken for images the next time, DataError
    for two images that would share a picture.
    """

    def __init__(self, root: Path, images_root: Path, samples: Sequence[Sample]) -> None:
        if root.resolve().is_relative_to(images_root.resolve()):
            raise ConfigError(
                "pictures of uncertainty would lie among the images",
                where=root,
                remedy=f"name a folder outside of {images_root}",
            )
        self._pictures = open_pictures(root, TABLE_FILE)
        first: dict[Path, str] = {}
        for sample in samples:
            other = first.setdefault(self._pictures.file(sample.name), sample.name)
            if other != sample.name:
                raise DataError(
                    "two images would share a picture of uncertainty",
                    got=f"{other} and {sample.name}",
                    remedy="rename one of them",
                )

    def stamp(self, name: str) -> list[int]:
        """Size in bytes and time of change of a picture; empty for one that is not there."""
        try:
            status = self._pictures.file(name).stat()
        except OSError:
            return []
        return [status.st_size, status.st_mtime_ns]

    def write(self, name: str, levels: NDArray[np.uint8]) -> Doubtfulness:
        """Write the picture (H, W) of a sample and sum it up."""
        self._pictures.write(name, levels)
        return Doubtfulness(float(levels.mean()) / 255, float((levels >= _UNSURE).mean()))

    def write_table(self, rows: Iterable[tuple[str, Doubtfulness]]) -> Path:
        """Write a row an image, the most doubtful first; the path of the table."""
        path = self._pictures.table
        with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            for name, found in sorted(rows, key=lambda row: -row[1].mean):
                writer.writerow([name, f"{found.mean:.6f}", f"{found.unsure_share:.6f}"])
        return path
