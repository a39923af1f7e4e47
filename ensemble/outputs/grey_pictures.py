"""Grey pictures by the names of images: PNGs in a folder, or the arrays of one zarr group."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.errors import OutputError
from ensemble.files.whole_file import whole_file

ZARR_SUFFIX = ".zarr"

# Pixels a side of what is read at once: a corner of a large picture without the rest.
_CHUNK = 512


class GreyPictures(Protocol):
    """Pictures (H, W) uint8; `table` is where a table about them lies."""

    table: Path

    def file(self, name: str) -> Path:
        """The file that holds the pixels of an image's picture, whether it is there or not."""
        ...

    def write(self, name: str, levels: NDArray[np.uint8]) -> None:
        """Write the picture of an image; raises OutputError where that cannot be."""
        ...


class PngFolder:
    """A PNG an image, named as it is but for the suffix; each whole or not there."""

    def __init__(self, root: Path, table: str) -> None:
        self._root = root
        self.table = root / table

    def file(self, name: str) -> Path:
        """The PNG of an image."""
        return self._root / PurePosixPath(name).with_suffix(".png")

    def write(self, name: str, levels: NDArray[np.uint8]) -> None:
        """Write the PNG of an image."""
        _, encoded = cv2.imencode(".png", levels)
        with whole_file(self.file(name), durable=False) as part:
            part.write_bytes(encoded.tobytes())


class ZarrGroup:
    """An array an image under its whole name, `zarr.open("doubts.zarr")["hand 1.png"]`.

    An array is one file of chunks that are read apart. While it is written it is not whole.
    """

    def __init__(self, root: Path, table: str) -> None:
        self._root = root
        self.table = root.with_name(f"{root.name}-{table}")  # zarr warns of files that it knows not
        self._lock = Lock()  # two threads that make a group at once refuse each other's

    def file(self, name: str) -> Path:
        """The one shard of an image's array."""
        return self._root / name / "c" / "0" / "0"

    def write(self, name: str, levels: NDArray[np.uint8]) -> None:
        """Write the array of an image, in place of one that is there."""
        import zarr  # half a second, which only those wait who want it
        from zarr.codecs import ZstdCodec

        chunk = tuple(min(side, _CHUNK) for side in levels.shape)
        shard = tuple(-(-side // c) * c for side, c in zip(levels.shape, chunk, strict=True))
        try:
            with self._lock:
                zarr.open_group(self._root, mode="a")
                array = zarr.create_array(
                    self._root,
                    name=name,
                    shape=levels.shape,
                    dtype=levels.dtype,
                    chunks=chunk,
                    shards=shard,
                    compressors=ZstdCodec(level=3, checksum=True),
                    dimension_names=("y", "x"),
                    overwrite=True,
                    config={"write_empty_chunks": True},  # else a sure image has no file
                )
            array[:] = levels
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"cannot be written: {reason}", where=self._root / name) from error


def open_pictures(root: Path, table: str) -> GreyPictures:
    """Pictures as the name of their place says: a zarr group if it ends so, else PNGs."""
    return (ZarrGroup if root.suffix == ZARR_SUFFIX else PngFolder)(root, table)
