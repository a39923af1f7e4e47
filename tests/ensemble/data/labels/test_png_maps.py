"""Masks and index maps as stored, whatever PNG they are."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import PIL.Image
import pytest
from layouts import write_png

from ensemble.data.labels.png_maps import read_indices, read_mask
from ensemble.errors import LabelError

MASK = np.random.default_rng(0).random((7, 11)) < 0.4


def save(path, pixels, **options):
    image = pixels if isinstance(pixels, PIL.Image.Image) else PIL.Image.fromarray(pixels)
    image.save(path, **options)
    return path


def palette(indices):
    image = PIL.Image.fromarray(indices)
    image.putpalette([0, 0, 0, 0, 0, 0, 255, 0, 0, 9, 9, 9])
    return image


@pytest.mark.parametrize(
    "pixels",
    [
        MASK,
        MASK.astype(np.uint8),
        MASK.astype(np.uint8) * 255,
        MASK.astype(np.uint16) * 256,
        np.dstack([MASK.astype(np.uint8)] * 3),
        np.dstack([MASK.astype(np.uint8)] * 3 + [np.full_like(MASK, 255, np.uint8)]),
        np.dstack([MASK.astype(np.uint8), np.full_like(MASK, 255, np.uint8)]),
        palette(MASK.astype(np.uint8)),
    ],
    ids=["1 bit", "0 and 1", "0 and 255", "16 bit", "RGB", "RGBA", "LA", "palette"],
)
def test_every_value_but_0_is_foreground(tmp_path, pixels):
    mask = read_mask(save(tmp_path / "a.png", pixels))
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, MASK)


def test_coloured_masks_are_refused(tmp_path):
    pixels = np.dstack([MASK, MASK, ~MASK]).astype(np.uint8)
    with pytest.raises(LabelError, match=r"a\.png: a mask must be grey"):
        read_mask(save(tmp_path / "a.png", pixels))


def test_transparent_masks_are_refused(tmp_path):
    pixels = np.dstack([np.full_like(MASK, 255, np.uint8)] * 3 + [MASK.astype(np.uint8) * 255])
    with pytest.raises(LabelError, match=r"a\.png: a mask must be opaque"):
        read_mask(save(tmp_path / "a.png", pixels))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_indices_of_grey_maps(tmp_path, dtype):
    indices = np.arange(200, dtype=dtype).reshape(10, 20) * dtype(np.iinfo(dtype).max // 200)
    np.testing.assert_array_equal(read_indices(save(tmp_path / "a.png", indices)), indices)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_indices_of_palettes(tmp_path, bits):
    indices = np.random.default_rng(bits).integers(0, min(2**bits, 4), (7, 11), np.uint8)
    path = save(tmp_path / "a.png", palette(indices), bits=bits)
    np.testing.assert_array_equal(read_indices(path), indices)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_indices_of_few_bits_are_not_stretched(tmp_path, bits):
    indices = np.random.default_rng(bits).integers(0, 2**bits, (7, 11), np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(grey_png(indices, bits))
    np.testing.assert_array_equal(read_indices(path), indices)
    np.testing.assert_array_equal(read_mask(path), indices > 0)


def grey_png(indices, bits):
    """A grey PNG of 1, 2 or 4 bits, which no library at hand writes."""
    height, width = indices.shape
    planes = (indices[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    rows = np.packbits(planes.reshape(height, width * bits).astype(bool), axis=1)
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return png(header, pack(rows))


def palette_png(indices, size=None, packed=None):
    """A palette PNG whose header may say another size."""
    height, width = size or indices.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return png(header, packed or pack(indices), bytes(range(12)))


def pack(rows):
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))


def png(header, packed, colours=b""):
    chunks = [(b"IHDR", header), (b"PLTE", colours), (b"IDAT", packed), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in chunks:
        if content or kind == b"IEND":
            checksum = struct.pack(">I", zlib.crc32(kind + content))
            data += struct.pack(">I", len(content)) + kind + content + checksum
    return data


def test_colour_maps_are_refused(tmp_path):
    path = save(tmp_path / "a.png", np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(LabelError, match=r"a\.png: an index map must have one channel.*3 channels"):
        read_indices(path)


def test_other_formats_under_the_name_png(tmp_path):
    path = save(tmp_path / "a.png", MASK.astype(np.uint8), format="jpeg")
    with pytest.raises(LabelError, match=r"a\.png: is no PNG"):
        read_mask(path)


def test_cut_off(tmp_path):
    path = write_png(tmp_path / "a.png", MASK.astype(np.uint8))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(LabelError, match=r"a\.png: is cut off"):
        read_mask(path)


def test_a_palette_of_as_many_pixels_as_label_maps_have(tmp_path, monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)  # PIL warns above, refuses above twice
    indices = np.random.default_rng(0).integers(0, 4, (7, 11), np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(palette_png(indices))
    np.testing.assert_array_equal(read_indices(path), indices)


def test_a_palette_of_more_pixels_than_any_image_may_have(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(palette_png(np.zeros((1, 1), np.uint8), size=(40_000, 50_000)))
    with pytest.raises(LabelError, match=r"a\.png: has too many pixels: .*got 50000 x 40000"):
        read_indices(path)


def test_a_palette_whose_pixels_are_damaged_under_right_checksums(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(palette_png(np.zeros((9, 9), np.uint8), packed=b"no deflate stream"))
    with pytest.raises(LabelError, match=r"a\.png: cannot be decoded"):
        read_indices(path)
