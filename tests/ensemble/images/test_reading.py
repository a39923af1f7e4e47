"""Images as displayed, whatever they are stored as; nothing half read."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from encoded_images import GREY, GREY16, RGB, opencv, pillow

from ensemble.errors import DataError, ImageError
from ensemble.images.reading import image_size, list_images, read_image

RGB16 = RGB.astype(np.uint16) * 200 + 7


def with_alpha(pixels):
    return PIL.Image.fromarray(np.dstack([pixels, GREY]))


def turned():
    exif = PIL.Image.Exif()
    exif[274] = 6
    return exif


def check(tmp_path, data, expected, name="a.png"):
    path = tmp_path / name
    path.write_bytes(data)
    pixels = read_image(path)
    assert pixels.dtype == expected.dtype
    np.testing.assert_array_equal(pixels, expected)
    assert image_size(path) == expected.shape[:2]


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".bmp"])
@pytest.mark.parametrize("pixels", [GREY, RGB], ids=["grey", "rgb"])
def test_eight_bit(tmp_path, pixels, suffix):
    check(tmp_path, opencv(pixels, suffix), pixels, "a" + suffix)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("pixels", [GREY16, RGB16], ids=["grey", "rgb"])
def test_sixteen_bit(tmp_path, pixels, suffix):
    check(tmp_path, opencv(pixels, suffix), pixels, "a" + suffix)


def test_jpeg_is_near(tmp_path):
    smooth = cv2.GaussianBlur(RGB, (0, 0), 5)
    path = tmp_path / "a.JPG"
    path.write_bytes(pillow(PIL.Image.fromarray(smooth), "jpeg", quality=98, subsampling=0))
    assert np.abs(read_image(path).astype(int) - smooth).max() < 8


def test_three_equal_channels_stay_three(tmp_path):
    check(tmp_path, opencv(np.dstack([GREY] * 3), ".png"), np.dstack([GREY] * 3))


@pytest.mark.parametrize("kind", ["png", "tiff", "bmp"])
def test_palette_is_resolved(tmp_path, kind):
    image = PIL.Image.fromarray(RGB).quantize(16)
    check(tmp_path, pillow(image, kind), np.asarray(image.convert("RGB")))


def test_alpha_is_left_out(tmp_path):
    check(tmp_path, pillow(with_alpha(RGB), "png"), RGB)


def test_grey_with_alpha_is_grey(tmp_path):
    check(tmp_path, pillow(with_alpha(GREY), "png"), GREY)


def test_opaque_tiff_loses_its_alpha(tmp_path):
    image = PIL.Image.fromarray(np.dstack([RGB, np.full_like(GREY, 255)]))
    check(tmp_path, pillow(image, "tiff"), RGB, "a.tif")


def test_one_bit(tmp_path):
    expected = np.where(GREY > 127, np.uint8(255), np.uint8(0))
    check(tmp_path, pillow(PIL.Image.fromarray(GREY > 127), "png"), expected)


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_turned_by_exif(tmp_path, kind):
    data = pillow(PIL.Image.fromarray(RGB), kind, exif=turned())
    check(tmp_path, data, np.rot90(RGB, -1))


def test_jpeg_turned_by_exif(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(pillow(PIL.Image.fromarray(RGB), "jpeg", exif=turned()))
    assert read_image(path).shape == (31, 20, 3)


@pytest.mark.parametrize("name", ["손 사진.png", "größe v1.2 .png", "a'b\"c.PNG"])
def test_any_name(tmp_path, name):
    check(tmp_path, opencv(GREY, ".png"), GREY, name)


def refuses(tmp_path, data, match):
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=match) as caught:
        read_image(path)
    assert "bad.png" in str(caught.value)


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "tiff"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.97])
def test_cut_off(tmp_path, kind, kept, capfd):
    data = pillow(PIL.Image.fromarray(np.tile(RGB, (5, 5, 1))), kind)
    refuses(tmp_path, data[: int(len(data) * kept)], "is cut off")
    assert capfd.readouterr().err == ""


def test_a_jpeg_with_a_preview_is_cut_off_too(tmp_path):
    data = pillow(PIL.Image.fromarray(RGB), "jpeg")
    preview = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    whole = data[:2] + preview + data[2:]
    (tmp_path / "a.jpg").write_bytes(whole)
    read_image(tmp_path / "a.jpg")
    refuses(tmp_path, whole[:-40], "is cut off")


def test_damaged_png(tmp_path):
    data = bytearray(opencv(RGB, ".png"))
    data[len(data) // 2] ^= 1
    refuses(tmp_path, bytes(data), "checksum")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "is empty"),
        (b"hello", "is no PNG, JPEG, TIFF or BMP"),
        (b"\x89PNG\r\n\x1a\n", "is cut off"),
        (b"II*\0", "is cut off"),
        (b"\xff\xd8\xff", "is cut off"),
    ],
)
def test_no_image(tmp_path, data, match):
    refuses(tmp_path, data, match)


def test_missing_file(tmp_path):
    with pytest.raises(ImageError, match="No such file"):
        read_image(tmp_path / "gone.png")


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_unusual_types(tmp_path, dtype):
    data = pillow(PIL.Image.fromarray(GREY.astype(dtype)), "tiff")
    refuses(tmp_path, data, f"unusual type.*{np.dtype(dtype)}.*save it as uint8")


def test_tiff_with_pages(tmp_path):
    page = PIL.Image.fromarray(GREY)
    refuses(tmp_path, pillow(page, "tiff", save_all=True, append_images=[page]), "holds 2 pages")


def test_transparent_tiff(tmp_path):
    refuses(tmp_path, pillow(with_alpha(RGB), "tiff"), "transparent")


def test_negative_sixteen_bit_tiff(tmp_path):
    data = opencv(GREY16, ".tiff")
    photometric = struct.pack("<HHIHH", 262, 3, 1, 1, 0)
    assert photometric in data
    refuses(tmp_path, data.replace(photometric, photometric[:8] + b"\0" * 4), "white as 0")


def test_big_tiff(tmp_path):
    check(tmp_path, pillow(PIL.Image.fromarray(GREY), "tiff", big_tiff=True), GREY, "a.tif")


def test_images_are_listed_by_relative_path(tmp_path):
    names = ["b/x.png", "a.JPG", "b.tiff", "ä/한.bmp", "b/x.jpeg", "A.tif"]
    litter = [".hidden.png", "__MACOSX/a.png", ".cache/c.png", "notes.txt", "b/._x.png"]
    for name in names + litter:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)] == sorted(
        names
    )


def test_links_are_followed_but_not_in_circles(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").touch()
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "back").symlink_to(tmp_path / "set")
    assert [path.name for path in list_images(tmp_path / "set")] == ["a.png"]


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"gone: the folder cannot be listed"):
        list_images(tmp_path / "gone")


def test_a_link_to_nothing_is_said(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(ImageError, match=r"a\.png: is a link to nothing$"):
        read_image(tmp_path / "a.png")


def test_a_file_that_must_not_be_read_is_said(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageError, match=r"a\.png: cannot be read: Permission denied$"):
        read_image(tmp_path / "a.png")
