"""The size of an encoded image, read from its header where that alone tells it."""

from __future__ import annotations

import struct

from ensemble.images.containers import is_bmp, is_jpeg, is_png, is_tiff, jpeg_segments
from ensemble.images.tiff import read_tiff_size

Size = tuple[int, int]

# Chunks of a PNG that may say that it is turned, or that it holds several frames.
_PNG_EXTRAS = (b"eXIf", b"Raw profile type", b"acTL")

_APP1 = 0xE1  # EXIF, which may say that the image is turned
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15; these are tables
_WINDOWS_BMP = 40


def stated_size(data: bytes) -> Size | None:
    """(H, W) as displayed of an image in which `find_fault` found none.

    None where only decoding tells: a header that is unusual or leaves the size open, or EXIF in an
    image that is not square, since every decoder has an understanding of it of its own.
    """
    size = _read_size(data)
    return size if size is not None and min(size) > 0 else None


def _read_size(data: bytes) -> Size | None:
    if is_png(data):
        return _png_size(data)
    if is_jpeg(data):
        return _jpeg_size(data)
    if is_tiff(data):
        return read_tiff_size(data)
    return _bmp_size(data) if is_bmp(data) else None


def _png_size(data: bytes) -> Size | None:
    width, height = struct.unpack_from(">II", data, 16)
    return _unless_turned((height, width), any(extra in data for extra in _PNG_EXTRAS))


def _jpeg_size(data: bytes) -> Size | None:
    sizes, may_be_turned = [], False
    for marker, place in jpeg_segments(data):
        may_be_turned |= marker == _APP1
        if marker in _FRAMES and place + 9 <= len(data):
            sizes.append(struct.unpack_from(">HH", data, place + 5))
    return _unless_turned(sizes[0], may_be_turned) if len(sizes) == 1 else None


def _bmp_size(data: bytes) -> Size | None:
    header, width, height = struct.unpack_from("<Iii", data, 14)
    return (abs(height), width) if header >= _WINDOWS_BMP else None


def _unless_turned(size: Size, may_be_turned: bool) -> Size | None:
    height, width = size
    return None if may_be_turned and height != width else size
