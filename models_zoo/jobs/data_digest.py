"""By which the data of an earlier run are known again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from ensemble.classes import class_list_to_dict
from ensemble.data.datasets import LabelledFolder
from ensemble.files.checksum import file_sha256
from ensemble.files.file_tree import find_files
from ensemble.images.reading import IMAGE_SUFFIXES, reading
from ensemble.streaming import ordered_map

# Images, and labels of every layout.
_SUFFIXES = (*IMAGE_SUFFIXES, ".csv", ".json", ".yaml")
_THREADS = 4


class DataDigest:
    """Digests (sha256, hex) of the files under `folders`, of which `parts` are what is learnt from.

    Both also tell classes and sample names.
    """

    def __init__(self, folders: Sequence[Path], parts: Sequence[LabelledFolder]) -> None:
        self._folders = tuple(folders)
        self._parts = tuple(parts)

    @cached_property
    def stamps(self) -> str:
        """Over path, size and time of change of every file; nothing is read.

        Links are followed, as in reading the data.
        """
        digest = self._begun()
        for folder in self._folders:
            for path in find_files(folder, _SUFFIXES):
                # a link to nothing is told where it is read; here it counts as itself
                stat = path.stat() if path.exists() else path.lstat()
                name = path.relative_to(folder).as_posix()
                digest.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    @cached_property
    def content(self) -> str:
        """Over path and content of the images and labels that are used: all of them are read.

        So copies of the data, or files that were only touched, are the same data.
        """
        digest = self._begun()
        files = list(self._used_files())
        hashes = ordered_map(_sha256, (path for _, path in files), threads=_THREADS, ahead=16)
        for (name, _), found in zip(files, hashes, strict=True):
            digest.update(f"{name}\0{found}\n".encode())
        return digest.hexdigest()

    def _begun(self) -> hashlib._Hash:
        digest = hashlib.sha256()
        for part in self._parts:
            facts = [class_list_to_dict(part.classes), [s.name for s in part.samples]]
            digest.update(json.dumps(facts).encode())
        return digest

    def _used_files(self) -> Iterator[tuple[str, Path]]:
        """Name and path of each file, in one order on every machine."""
        for part in self._parts:
            for sample in part.samples:
                yield sample.name, sample.image
        for labels in dict.fromkeys(part.labels for part in self._parts):
            files = find_files(labels, _SUFFIXES) if labels.is_dir() else [labels]
            for path in files:
                yield path.relative_to(labels.parent).as_posix(), path


def _sha256(path: Path) -> str:
    with reading(path):
        return file_sha256(path)
