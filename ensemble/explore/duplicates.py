"""Images that are there twice, the same or nearly so, and labels that are.

An image's hash is the signs of the 255 lowest frequencies of its thumbnail, the mean left out
(16 x 16 of a discrete cosine transform). Brightness, contrast and resolution do not change it, and
a mirror image changes the sign of the odd columns only. A frequency that an image lacks, as a flat
one lacks all and one row of pixels most, has a sign drawn from the thumbnail: such images are alike
only if their thumbnails are the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import Sample
from ensemble.files.checksum import file_sha256
from ensemble.images.reading import reading

# Copies that were encoded anew, halved, brightened or made noisier differ in up to 12 bits; of
# phantom hands of two persons the nearest two of 36 differ in 32, of dental X-rays in 63.
NEAR_BITS = 20
_SIDE = 16
HASH_BITS = _SIDE * _SIDE - 1
_ODD_COLUMNS = (np.arange(_SIDE * _SIDE) % 2 == 1)[1:]
_BLOCK = 1024
# Of a wave, in levels of 16 bit: less is what float32 makes of 0.
_NO_WAVE = 1.0

Hashes = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CopiedImage:
    """Two images, `bits` of whose hashes differ, one of them mirrored if `is_mirrored`.

    `first` and `second` are indices; `is_same_file` if their bytes are equal.
    """

    first: int
    second: int
    bits: int
    is_mirrored: bool
    is_same_file: bool


def image_hashes(thumbnails: NDArray[np.uint16]) -> Hashes:
    """(N, 255) of square thumbnails (N, S, S)."""
    return np.stack([_hash(thumbnail) for thumbnail in thumbnails])


def _hash(thumbnail: NDArray[np.uint16]) -> Hashes:
    waves = cv2.dct(thumbnail.astype(np.float32))[:_SIDE, :_SIDE].reshape(-1)[1:]
    drawn = np.random.default_rng(zlib.crc32(thumbnail.tobytes())).random(HASH_BITS) < 0.5
    return np.where(np.abs(waves) < _NO_WAVE, drawn, waves > 0)


def find_copies(
    samples: Sequence[Sample],
    hashes: Hashes,
    others: Sequence[Sample] = (),
    other_hashes: Hashes | None = None,
) -> list[CopiedImage]:
    """Pairs whose hashes differ in NEAR_BITS or fewer, the nearest first.

    Pairs lie within the samples, or, where others are given, one on each side. Raises ImageError
    for a file that cannot be read any more.
    """
    digest = cache(_digest)
    right = samples if other_hashes is None else others
    found = []
    for first, second, bits, is_mirrored in _near_pairs(hashes, other_hashes):
        one, two = samples[first].image, right[second].image
        is_same = bits == 0 and not is_mirrored and digest(one) == digest(two)
        found.append(CopiedImage(first, second, bits, is_mirrored, is_same))
    return sorted(found, key=lambda copy: (copy.bits, not copy.is_same_file))


def _near_pairs(hashes: Hashes, others: Hashes | None) -> list[tuple[int, int, int, bool]]:
    """(first, second, bits, mirrored) of pairs; within one list the first has the lower index."""
    right = hashes if others is None else others
    found = []
    for start in range(0, len(hashes), _BLOCK):
        block = hashes[start : start + _BLOCK]
        straight = _differing(block, right)
        mirrored = _differing(block ^ _ODD_COLUMNS, right)
        bits = np.minimum(straight, mirrored)
        for row, second in np.argwhere(bits <= NEAR_BITS).tolist():
            first = start + row
            if others is not None or first < second:
                is_mirrored = bool(mirrored[row, second] < straight[row, second])
                found.append((first, second, int(bits[row, second]), is_mirrored))
    return found


def _differing(left: Hashes, right: Hashes) -> NDArray[np.int64]:
    """(N, M): in how many bits hashes differ, by the product of their signs."""
    signs = [2 * hashes.astype(np.float32) - 1 for hashes in (left, right)]
    return np.asarray(np.round((HASH_BITS - signs[0] @ signs[1].T) / 2), np.int64)


def _digest(path: Path) -> str:
    with reading(path):
        return file_sha256(path)


def find_equal_labels(sums: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Images whose labels are the same, as sets of two indices or more.

    Judged by their size and the sums (N, C, S) of every class: areas, places and second moments,
    without what the images show. Empty labels are no copies.
    """
    keys = np.concatenate([sizes, sums.reshape(len(sums), -1)], axis=1)
    _, members = np.unique(keys, axis=0, return_inverse=True)
    filled = sums.any(axis=(1, 2))
    sets = [
        np.flatnonzero((members.reshape(-1) == value) & filled)
        for value in range(members.max() + 1)
    ]
    return [tuple(images.tolist()) for images in sets if len(images) > 1]
