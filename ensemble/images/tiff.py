"""The directories of a TIFF file, as far as they tell whether it can be read as one image.

TIFF 6.0 specification, section 2; BigTIFF has the same structure with wider fields.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CUT_OFF = "is cut off"

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 254, 256, 257, 258, 262
_ORIENTATION, _SAMPLES = 274, 277
# Where the pieces of an image lie, and how many bytes each has: strips, tiles.
_PIECES = ((273, 279), (324, 325))
_WANTED = frozenset(
    (_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, *sum(_PIECES, ()))
)
_REDUCED = 1
_WHITE_IS_ZERO = 0
_TURNED = range(5, 9)  # orientations that swap width and height
_TYPE_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}

# Pyramids have a dozen; a crafted chain could go on for as long as the file is.
_MAX_DIRECTORIES = 1000

Directory = Mapping[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Widths:
    """Byte order and the struct codes of a count of entries, a count of values, and an offset."""

    order: str
    entries: str
    values: str
    offset: str
    first: int

    def unpack(self, data: bytes, code: str, place: int) -> tuple[int, ...]:
        """Values at a place; raises struct.error where the file ends before."""
        if place > len(data):  # which may be more than struct can count to
            raise struct.error
        return struct.unpack_from(self.order + code, data, place)


def find_tiff_fault(data: bytes) -> str | None:
    """What keeps a TIFF file from being read as one whole image, or None."""
    try:
        directories = _read_directories(data)
    except struct.error:
        return CUT_OFF
    if any(not values for entries in directories for values in entries.values()):
        return "is damaged: one of its tags has no value"
    pages = [entries for entries in directories if not entries.get(_SUBFILE, [0])[0] & _REDUCED]
    if len(pages) != 1:
        return f"holds {len(pages)} pages, not one image"
    if pages[0] is not directories[0]:
        return "begins with a smaller copy of its image, which decoders take for the image"
    return _page_fault(pages[0], len(data))


def read_tiff_size(data: bytes) -> tuple[int, int] | None:
    """(H, W) as displayed of a TIFF in which `find_tiff_fault` found none; None if not stated."""
    page = _read_directories(data)[0]
    if _WIDTH not in page or _HEIGHT not in page:
        return None
    height, width = page[_HEIGHT][0], page[_WIDTH][0]
    is_turned = page.get(_ORIENTATION, [1])[0] in _TURNED
    return (width, height) if is_turned else (height, width)


def _page_fault(page: Directory, num_bytes: int) -> str | None:
    for offsets, counts in _PIECES:
        pieces = zip(page.get(offsets, []), page.get(counts, []), strict=False)
        if any(offset + count > num_bytes for offset, count in pieces):
            return CUT_OFF
    samples = page.get(_SAMPLES, [1])[0]
    if samples not in (1, 3, 4):
        return f"holds {samples} channels, not grey or colour"
    is_negative = page.get(_PHOTOMETRIC, [1])[0] == _WHITE_IS_ZERO
    if is_negative and page.get(_BITS, [1])[0] > 8:
        return "stores white as 0 at more than 8 bits, which decoders do not turn round"
    return None


def _read_directories(data: bytes) -> list[Directory]:
    """The wanted tags of every directory; raises struct.error where the file ends early."""
    widths = _read_header(data)
    (place,) = widths.unpack(data, widths.offset, widths.first)
    directories: list[Directory] = []
    seen: set[int] = set()
    while place and place not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(place)
        directory, place = _read_directory(data, place, widths)
        directories.append(directory)
    return directories


def _read_header(data: bytes) -> _Widths:
    order = "<" if data.startswith(b"II") else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    is_big = version == 43
    return _Widths(order, "Q", "Q", "Q", 8) if is_big else _Widths(order, "H", "I", "I", 4)


def _read_directory(data: bytes, place: int, widths: _Widths) -> tuple[Directory, int]:
    """One directory and the place of the next, 0 after the last."""
    (num_entries,) = widths.unpack(data, widths.entries, place)
    place += struct.calcsize("=" + widths.entries)
    entry_bytes = struct.calcsize("=HH" + widths.values + widths.offset)
    directory: dict[int, Sequence[int]] = {}
    for start in range(place, place + num_entries * entry_bytes, entry_bytes):
        tag, kind, count = widths.unpack(data, "HH" + widths.values, start)
        if tag in _WANTED and kind in _TYPE_CODES:
            values = _read_values(data, start, count, _TYPE_CODES[kind], widths)
            directory.setdefault(tag, values)  # of a doubled tag, libtiff takes the first too
    (following,) = widths.unpack(data, widths.offset, place + num_entries * entry_bytes)
    return directory, following


def _read_values(
    data: bytes, entry: int, count: int, code: str, widths: _Widths
) -> tuple[int, ...]:
    """Values lie in the entry itself where they fit into an offset, else where it points to."""
    place = entry + struct.calcsize("=HH" + widths.values)
    if count * struct.calcsize("=" + code) > struct.calcsize("=" + widths.offset):
        (place,) = widths.unpack(data, widths.offset, place)
    return widths.unpack(data, f"{count}{code}", place)
