"""Soft maps on disk: what a member says of an image under a set of views, computed once.

An entry is one zip file that any zarr 3 reader opens: (C, h, w) uint8 as `MapScale` says, one shard
with a chunk a class, zstd. 29 maps of 512 x 512 take 100 to 330 KiB, 10 ms to write, 10 ms to read;
8 bits change the Dice of an image by less than 0.00004. Of logits, which waver on the background
too, it is 4 MB and 0.0002 (scripts/bench/soft_map_cache.py).
A class can be read without the others. An entry is written under another name and then renamed, so
that it is there whole or not at all, for a killed process and for two processes at once. A damaged
entry fails a checksum and counts as absent: that is cheaper than to wait for the disk, so the last
entries before a power cut may be lost.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec
from zarr.storage import ZipStore

from ensemble.errors import OutputError
from ensemble.files.whole_file import whole_file
from ensemble.fusion.inference import MAPS_VERSION
from ensemble.fusion_space import PROB_FLOOR, FusionSpace, limits_of

CACHE_FOLDER = Path(".ens-cache")

# What the whole numbers of a stored map go up to.
LEVELS = 255

# Maps of up to this size are read as a whole: 29 of 512 x 512 take 8 MB and 10 ms.
_HELD_BYTES = 2**24

# Beside the key's in the attributes of an entry.
_SECONDS = "seconds"

QuantisedMap = NDArray[np.uint8]

# All that the standard library's zip reader raises on damaged bytes; a seek to nowhere: OSError.
_DAMAGED = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class SoftMapKey:
    """What a soft map depends on: sha256 of the member file and of the image file, views, space.

    `version` is that of the arithmetic, so that an upgrade which changes maps computes them anew.
    """

    member: str
    image: str
    views: str
    space: FusionSpace = "prob"
    version: int = MAPS_VERSION


@dataclass(frozen=True, slots=True)
class MapScale:
    """The values of a fusion space from `low` to `high`, of which 0..LEVELS are even steps.

    A share is a place on it, 0 to 1: for probabilities the probability itself.
    """

    space: FusionSpace
    low: float
    high: float

    def quantise(self, maps: NDArray[np.float32]) -> QuantisedMap:
        """Values to 0..LEVELS, off by half a step at most.

        Halves are rounded down, so that what is above the middle stays so and nothing else becomes
        so.
        """
        steps = LEVELS / (self.high - self.low)
        return np.asarray(
            np.ceil((maps - self.low) * np.float32(steps) - np.float32(0.5)), np.uint8
        )

    def shares(self, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where thresholds of probabilities lie."""
        return (limits_of(thresholds, self.space) - self.low) / (self.high - self.low)

    def thresholds(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probabilities that lie at shares; the inverse of `shares`."""
        limits = self.low + shares * (self.high - self.low)
        return limits if self.space == "prob" else 1 / (1 + np.exp(-limits))

    def values(self, grids: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Shares on several grids, which are summed at full size, as values of the space."""
        if self.space == "prob":
            return list(grids)
        first, *others = (np.float32(self.high - self.low) * grid for grid in grids)
        return [first + np.float32(self.low), *others]


PROB_SCALE = MapScale("prob", 0.0, 1.0)


def scale_of(space: FusionSpace, *, exclusive: bool) -> MapScale:
    """The scale on which all soft maps of a space lie, see `Member.maps`."""
    if space == "prob":
        return PROB_SCALE
    if exclusive:
        return MapScale(space, math.log(PROB_FLOOR), 0.0)
    limit = math.log1p(-PROB_FLOOR) - math.log(PROB_FLOOR)
    return MapScale(space, -limit, limit)


class StoredMap:
    """A map (C, h, w) uint8 that is read by class, `entry[c]` (h, w); closed by `with`.

    `seconds` is what the member took for it. A small one is held as a whole from the first read on,
    which is faster than class by class.
    """

    def __init__(
        self,
        maps: QuantisedMap | zarr.Array[Any],
        seconds: float,
        store: ZipStore | None = None,
    ) -> None:
        self._maps = maps
        self.seconds = seconds
        self._store = store

    def __enter__(self) -> StoredMap:
        return self

    def __exit__(self, *_: object) -> None:
        if self._store is not None:
            self._store.close()

    def __getitem__(self, classes: int | slice) -> QuantisedMap:
        if self._maps.size <= _HELD_BYTES:
            self._maps = np.asarray(self._maps[:], np.uint8)
        return np.asarray(self._maps[classes], np.uint8)


class SoftMapCache:
    """Quantised soft maps by key, in a folder that is made when the first one is put."""

    def __init__(self, folder: Path = CACHE_FOLDER) -> None:
        self.folder = folder

    def path(self, key: SoftMapKey) -> Path:
        """Where the entry of a key lies: a folder a member, a file an image and set of views."""
        whole_key = " ".join(str(part) for part in asdict(key).values())
        entry = hashlib.sha256(whole_key.encode()).hexdigest()
        return self.folder / key.member[:16] / f"{entry[:32]}.zarr.zip"

    def __contains__(self, key: SoftMapKey) -> bool:
        """Whether the map of a key is there and is not damaged."""
        entry = self.open(key)
        if entry is None:
            return False
        with entry:
            return True

    def get(self, key: SoftMapKey) -> QuantisedMap | None:
        """The map (C, h, w) uint8; None if there is none, or if it is damaged."""
        entry = self.open(key)
        if entry is None:
            return None
        with entry:
            return entry[:]

    def open(self, key: SoftMapKey) -> StoredMap | None:
        """The map to be read class by class; None if there is none, or if it is damaged."""
        path = self.path(key)
        if not _is_intact(path):
            return None
        store = ZipStore(path, mode="r")
        entry = zarr.open_array(store, mode="r")
        stated = dict(entry.attrs)
        seconds = stated.pop(_SECONDS, None)
        if stated != asdict(key) or not isinstance(seconds, float):
            store.close()
            return None
        return StoredMap(entry, seconds, store)

    def put(self, key: SoftMapKey, maps: QuantisedMap, *, seconds: float = 0.0) -> None:
        """Store a map (C, h, w) uint8 that took so long to compute.

        Raises OutputError if the folder cannot take it.
        """
        try:
            with whole_file(self.path(key), durable=False) as part:
                _write(part, maps, asdict(key) | {_SECONDS: float(seconds)})
        except OutputError as error:
            raise OutputError(
                f"the soft-map cache {error.what}",
                where=self.folder,
                remedy="make room, or name another folder with --cache",
            ) from error


def _write(path: Path, maps: QuantisedMap, attributes: dict[str, Any]) -> None:
    with ZipStore(path, mode="w") as store:
        entry = zarr.create_array(
            store,
            shape=maps.shape,
            dtype=maps.dtype,
            chunks=(1, *maps.shape[1:]),
            shards=maps.shape,
            compressors=ZstdCodec(level=3, checksum=True),
            attributes=attributes,
            config={"write_empty_chunks": True},  # else a map of zeros is no chunk at all
        )
        entry[:] = maps


def _is_intact(path: Path) -> bool:
    """Whether the two files of an entry are there and fit their checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            return len(archive.namelist()) == 2 and archive.testzip() is None
    except _DAMAGED:
        return False
