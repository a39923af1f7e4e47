"""The size that a header states is the size that decoding gives."""

from __future__ import annotations

import PIL.Image
import pytest
from encoded_images import GREY, GREY16, RGB, encoded_images, pillow
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.images import reading as images
from ensemble.images.header import stated_size
from ensemble.images.reading import image_size, read_image

ORIENTATION = 274


@pytest.mark.parametrize("kind", sorted(encoded_images()))
def test_without_exif_no_image_is_decoded(tmp_path, monkeypatch, kind):
    path = tmp_path / "a.img"
    path.write_bytes(encoded_images()[kind])
    expected = read_image(path).shape[:2]
    monkeypatch.setattr(images, "decode_pixels", None)
    assert image_size(path) == expected


@st.composite
def turned_images(draw):
    pixels = draw(st.sampled_from([GREY, RGB, GREY16]))
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 31))
    pixels = pixels[:height, :width]
    kinds = ["png", "tiff"] if pixels.dtype == GREY16.dtype else ["png", "tiff", "jpeg"]
    orientation = draw(st.integers(1, 8))
    kind = draw(st.sampled_from(kinds))
    if kind == "tiff":
        return pillow(pixels, kind, tiffinfo={ORIENTATION: orientation})
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = orientation
    return pillow(pixels, kind, exif=exif)


@given(turned_images())
@settings(max_examples=150, deadline=None)
def test_turned_images(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("turned") / "a.img"
    path.write_bytes(data)
    assert image_size(path) == read_image(path).shape[:2]


def test_a_square_image_needs_no_look_at_its_exif():
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = 6
    assert stated_size(pillow(GREY[:20, :20], "jpeg", exif=exif)) == (20, 20)
    assert stated_size(pillow(GREY, "jpeg", exif=exif)) is None


def test_a_bmp_from_top_to_bottom():
    data = bytearray(encoded_images()["opencv bmp grey"])
    data[22:26] = (-20).to_bytes(4, "little", signed=True)
    assert stated_size(bytes(data)) == (20, 31)
