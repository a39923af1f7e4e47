"""Examples on disk: decoded, rasterised and resized once for all members, folds and runs.

For 29 bones at 2048 x 2048 an example of 1024 x 1024 took 76 ms to make and 2 ms to read; it takes
.6 MB, a ninth of what it has in memory. A file is a line of JSON, then the arrays, compressed. It
is written under another name and renamed, and one that is damaged is made anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs import Blosc

from ensemble.errors import OutputError
from ensemble.files.whole_file import whole_file
from ensemble.members.manifest import InputSpec
from models_zoo.examples.augment import Example

# Raise it with every change after which the same data give another example.
_VERSION = 1
# No member can have this name.
_FOLDER = ".examples"
_CODEC = Blosc(cname="zstd", clevel=3, shuffle=Blosc.NOSHUFFLE)

# Of image, planes, and whether pixels are ignored, as numpy names them.
_KINDS = ("u1", "<u4", "u1")


@dataclass(frozen=True, slots=True)
class ExampleCache:
    """Examples of data with some digest, in a folder that is made when the first one is put."""

    folder: Path

    @classmethod
    def within(cls, root: Path, data_digest: str) -> ExampleCache:
        """The cache in a folder of states; `data_digest` changes with any file of the data."""
        digest = hashlib.sha256(f"{_VERSION} {data_digest}".encode()).hexdigest()
        return cls(root / _FOLDER / digest[:24])

    def get(self, name: str, spec: InputSpec, make: Callable[[], Example]) -> Example:
        """The example of a sample as an input takes it, read, or made and kept.

        Raises OutputError where it cannot be kept.
        """
        path = self._path(name, spec)
        kept = _read(path)
        if kept is None:
            kept = make()
            self._put(path, kept)
        return kept

    def remove_others(self) -> None:
        """Remove what was kept of other data, which nothing will ask for again."""
        if self.folder.parent.is_dir():
            for other in self.folder.parent.iterdir():
                if other != self.folder:
                    shutil.rmtree(other, ignore_errors=True)

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # another run may have put something there
            self.folder.parent.rmdir()

    def _path(self, name: str, spec: InputSpec) -> Path:
        key = hashlib.sha256(f"{spec.model_dump_json()} {name}".encode()).hexdigest()
        return self.folder / key[:2] / f"{key[2:34]}.example"

    def _put(self, path: Path, example: Example) -> None:
        arrays = (example.image, example.planes, example.ignored.astype(np.uint8))
        blocks = [_CODEC.encode(np.ascontiguousarray(array)) for array in arrays]
        header = {
            "shapes": [array.shape for array in arrays],
            "lengths": [len(block) for block in blocks],
            "crc32": zlib.crc32(b"".join(blocks)),
        }
        try:
            with whole_file(path, durable=False) as part:
                part.write_bytes(json.dumps(header).encode() + b"\n" + b"".join(blocks))
        except OutputError as error:
            raise OutputError(
                f"the cache of examples {error.what}",
                where=self.folder,
                remedy="make room, or say cache: none under data in zoo.yaml",
            ) from error


def _read(path: Path) -> Example | None:
    """A kept example; None if there is none, or if it is damaged."""
    try:
        line, _, content = path.read_bytes().partition(b"\n")
        header: dict[str, Any] = json.loads(line)
        if zlib.crc32(content) != header["crc32"]:
            return None
        ends = np.cumsum([0, *header["lengths"]])
        blocks = [content[first:last] for first, last in pairwise(ends)]
        arrays = [np.empty(*each) for each in zip(header["shapes"], _KINDS, strict=True)]
        for array, block in zip(arrays, blocks, strict=True):
            _CODEC.decode(block, array)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    image, planes, ignored = arrays
    return Example(image, planes, ignored.astype(np.bool_))
