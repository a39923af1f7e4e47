"""The directories of a TIFF file, as far as they tell whether it can be read as one image.

TIFF 6.0 specification, section 2; BigTIFF has the same structure with wider fields.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CUT_OFF = "is cut off"

_SUBFILE, _BITS, _PHOTOMETRIC, _SAMPLES = 254, 258, 262, 277
# Where the pieces of an image lie, and how many bytes each has: strips, tiles.
_PIECES = ((273, 279), (324, 325))
_REDUCED = 1
_WHITE_IS_ZERO = 0
_TYPE_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}

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
        return struct.unpack_from(self.order + code, data, place)


def find_tiff_fault(data: bytes) -> str | None:
    """What keeps a TIFF file from being read as one whole image, or None."""
    try:
        directories = _read_directories(data)
    except struct.error:
        return CUT_OFF
    pages = [entries for entries in directories if not entries.get(_SUBFILE, [0])[0] & _REDUCED]
    if len(pages) != 1:
        return f"holds {len(pages)} pages, not one image"
    return _page_fault(pages[0], len(data))


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
    """Tags with whole numbers of every directory; raises struct.error where the file ends early."""
    widths = _read_header(data)
    (place,) = widths.unpack(data, widths.offset, widths.first)
    directories: list[Directory] = []
    seen = set()
    while place and place not in seen:
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
        if kind in _TYPE_CODES:
            directory[tag] = _read_values(data, start, f"{count}{_TYPE_CODES[kind]}", widths)
    (following,) = widths.unpack(data, widths.offset, place + num_entries * entry_bytes)
    return directory, following


def _read_values(data: bytes, entry: int, code: str, widths: _Widths) -> tuple[int, ...]:
    """Values lie in the entry itself where they fit into an offset, else where it points to."""
    place = entry + struct.calcsize("=HH" + widths.values)
    if struct.calcsize("=" + code) > struct.calcsize("=" + widths.offset):
        (place,) = widths.unpack(data, widths.offset, place)
    return widths.unpack(data, code, place)
