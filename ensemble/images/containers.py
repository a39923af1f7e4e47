"""Encoded images before they are decoded: what they are, and whether they are all there.

Decoders differ in what they make of a file that is cut off: an error, a warning on the terminal, or
half an image. So the container is checked first, which costs a tenth of decoding.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from ensemble.images.tiff import CUT_OFF, find_tiff_fault

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_BMP = b"BM"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class PngHeader:
    """`depth` in bits a sample; `colour` 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA."""

    height: int
    width: int
    depth: int
    colour: int


def is_png(data: bytes) -> bool:
    """Whether a file is a PNG, whatever its name says."""
    return data.startswith(_PNG)


def is_jpeg(data: bytes) -> bool:
    """Whether a file is a JPEG, whatever its name says."""
    return data.startswith(_JPEG)


def is_bmp(data: bytes) -> bool:
    """Whether a file is a BMP, whatever its name says."""
    return data.startswith(_BMP)


def is_tiff(data: bytes) -> bool:
    """Whether a file is a TIFF, whatever its name says."""
    return data.startswith(_TIFF)


def png_header(data: bytes) -> PngHeader:
    """The header of a PNG in which `find_fault` found none."""
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    return PngHeader(height, width, depth, colour)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and place of each segment of a JPEG as far as the first scan, or as it is intact."""
    place = len(_JPEG)
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        yield marker, place
        if marker == _START_OF_SCAN:
            return
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")


def find_fault(data: bytes) -> str | None:
    """What keeps a file from being a whole PNG, JPEG, TIFF or BMP, or None."""
    if not data:
        return "is empty"
    if is_png(data):
        return _png_fault(data)
    if is_jpeg(data):
        return _jpeg_fault(data)
    if is_bmp(data):
        return _bmp_fault(data)
    if is_tiff(data):
        return find_tiff_fault(data)
    return "is no PNG, JPEG, TIFF or BMP"


def _png_fault(data: bytes) -> str | None:
    """Walk the chunks (PNG specification, section 5.3): length, kind, content, CRC."""
    view, place = memoryview(data), len(_PNG)
    if data[12:16] != b"IHDR" or len(data) < 33:
        return CUT_OFF
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            return CUT_OFF
        is_critical = kind[:1].isupper()
        if is_critical and zlib.crc32(view[place + 4 : end - 4]) != _uint32(view[end - 4 : end]):
            return "is damaged: a checksum does not fit"
        if kind == b"IEND":
            return None
        place = end
    return CUT_OFF


def _uint32(data: memoryview) -> int:
    return int.from_bytes(data, "big")


def _jpeg_fault(data: bytes) -> str | None:
    """Behind the start of the first scan, an end marker is never image content."""
    for marker, place in jpeg_segments(data):
        if marker == _START_OF_SCAN:
            return None if data.find(_END_OF_IMAGE, place) >= 0 else CUT_OFF
    return CUT_OFF


def _bmp_fault(data: bytes) -> str | None:
    stated_bytes = int.from_bytes(data[2:6], "little")
    return CUT_OFF if len(data) < max(stated_bytes, 26) else None
