"""Directories of TIFF files that no writer writes."""

from __future__ import annotations

import struct

import pytest

from ensemble.images.tiff import find_tiff_fault, read_tiff_size

PIXELS = 60  # bytes behind the header, for strips to lie in


def classic(*directories, order="<"):
    """A TIFF of directories of (tag, kind, count, value or offset), one after the other."""
    data = struct.pack(order + "2sHI", b"II" if order == "<" else b"MM", 42, 8 + PIXELS)
    data += bytes(PIXELS)
    for number, entries in enumerate(directories):
        data += struct.pack(order + "H", len(entries))
        for entry in entries:
            data += struct.pack(order + "HHII", *entry)
        is_last = number == len(directories) - 1
        data += struct.pack(order + "I", 0 if is_last else len(data) + 4)
    return data


def big(*entries):
    data = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16 + PIXELS) + bytes(PIXELS)
    data += struct.pack("<Q", len(entries))
    for entry in entries:
        data += struct.pack("<HHQQ", *entry)
    return data + struct.pack("<Q", 0)


SIZE = ((256, 4, 1, 31), (257, 4, 1, 20))
STRIP = ((273, 4, 1, 8), (279, 4, 1, PIXELS))


def test_what_is_in_order():
    assert find_tiff_fault(classic(SIZE + STRIP)) is None
    assert find_tiff_fault(classic(SIZE + STRIP, order=">")) is None
    assert find_tiff_fault(big(*SIZE, *STRIP)) is None
    assert read_tiff_size(classic(SIZE + STRIP)) == (20, 31)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (classic((*SIZE, (277, 3, 0, 0))), "has no value"),
        (classic((*SIZE, (254, 4, 0, 0))), "has no value"),
        (classic((*SIZE, (273, 4, 2**32 - 1, 8))), "cut off"),
        (classic((*SIZE, (273, 4, 2, 2**32 - 1))), "cut off"),
        (classic((*SIZE, (273, 4, 1, 8), (279, 4, 1, 2**32 - 1))), "cut off"),
        (big(*SIZE, (273, 16, 2**63, 8)), "cut off"),
        (big(*SIZE, (273, 16, 2**64 - 1, 8)), "cut off"),
        (big(*SIZE, (273, 16, 2, 2**63)), "cut off"),
        (big(*SIZE, (273, 16, 1, 2**63), (279, 16, 1, 2**63)), "cut off"),
        (struct.pack("<2sHHHQ", b"II", 43, 8, 0, 2**63), "cut off"),
        (struct.pack("<2sHI", b"II", 42, 2**32 - 1), "cut off"),
        (struct.pack("<2sHI", b"II", 42, 0), "holds 0 pages"),
        (classic(SIZE + STRIP, SIZE + STRIP), "holds 2 pages"),
        (classic(((254, 4, 1, 1), *SIZE), SIZE + STRIP), "begins with a smaller copy"),
    ],
)
def test_faults(data, fault):
    assert fault in find_tiff_fault(data)


def test_a_smaller_copy_behind_the_image_does_not_matter():
    assert find_tiff_fault(classic(SIZE + STRIP, ((254, 4, 1, 1), *SIZE))) is None


def test_values_of_tags_that_do_not_matter_are_not_looked_at():
    assert find_tiff_fault(classic((*SIZE, (700, 1, 2**32 - 1, 8), *STRIP))) is None


def test_directories_in_a_circle():
    data = bytearray(classic(SIZE + STRIP))
    data[-4:] = struct.pack("<I", 8 + PIXELS)
    assert find_tiff_fault(bytes(data)) is None


def test_directories_without_end():
    many = classic(*[((254, 4, 1, 0),)] * 5000)
    assert "pages" in find_tiff_fault(many)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(orientation):
    size = read_tiff_size(classic((*SIZE, (274, 3, 1, orientation), *STRIP)))
    assert size == ((31, 20) if orientation > 4 else (20, 31))


def test_of_a_doubled_tag_the_first_counts():
    assert read_tiff_size(classic((*SIZE, *STRIP, (256, 4, 1, 7)))) == (20, 31)


def test_a_size_that_is_not_stated():
    assert read_tiff_size(classic(STRIP)) is None
