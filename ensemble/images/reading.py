"""Images: which files are some, and their pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.errors import ImageError
from ensemble.files.file_tree import find_files, why_unreadable
from ensemble.images.containers import find_fault, is_png, is_tiff, png_header
from ensemble.images.header import stated_size

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")

Image = NDArray[np.uint8] | NDArray[np.uint16]

# Keeps depth, drops alpha, and turns the image as EXIF says, which IMREAD_UNCHANGED does not. A
# TIFF is turned either way, and its alpha must be looked at.
_AS_DISPLAYED = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
_GREY_WITH_ALPHA = 4


def list_images(folder: Path) -> list[Path]:
    """Image files under a folder, sorted by relative path; hidden files are no images."""
    return find_files(folder, IMAGE_SUFFIXES)


def read_image(path: Path) -> Image:
    """Pixels as displayed: grey (H, W) or RGB (H, W, 3), uint8 or uint16.

    Turned as EXIF says, palettes resolved, alpha left out. Raises ImageError with the path for a
    file that is missing, no image, cut off, or neither 8 nor 16 bit.
    """
    data = read_image_bytes(path)
    pixels = decode_pixels(data, cv2.IMREAD_UNCHANGED if is_tiff(data) else _AS_DISPLAYED, path)
    _refuse_unusual_type(pixels, path)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        _refuse_transparency(pixels, path)
    if is_png(data) and png_header(data).colour == _GREY_WITH_ALPHA:
        return np.ascontiguousarray(pixels[:, :, 0])
    return pixels if pixels.ndim == 2 else _swap_red_and_blue(pixels)


def _refuse_transparency(pixels: NDArray[Any], path: Path) -> None:
    """Decoders of TIFF multiply colours with alpha, so the colours are only known if it is full."""
    if (pixels[:, :, 3] != np.iinfo(pixels.dtype).max).any():
        raise ImageError(
            "is a TIFF with transparent pixels, whose colours are not known",
            where=path,
            remedy="save it without alpha",
        )


def _refuse_unusual_type(pixels: NDArray[Any], path: Path) -> None:
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageError(
            "has pixels of an unusual type",
            where=path,
            expected="8 or 16 bit, from 0 on",
            got=pixels.dtype,
            remedy="save it as uint8 or uint16, with the grey levels scaled into that range",
        )


def _swap_red_and_blue(pixels: NDArray[Any]) -> NDArray[Any]:
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def image_size(path: Path) -> tuple[int, int]:
    """(H, W) of an image as displayed; decoded only where its header does not tell.

    Raises ImageError for a file that is missing, no image, or cut off.
    """
    if (size := stated_size(read_image_bytes(path))) is not None:
        return size
    height, width = read_image(path).shape[:2]
    return height, width


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What the system says against a file inside becomes an ImageError with its path."""
    try:
        yield
    except OSError as error:
        raise ImageError(why_unreadable(path, error), where=path) from error


def read_image_bytes(path: Path) -> bytes:
    """The bytes of a whole image file; raises ImageError if it is none."""
    with reading(path):
        data = path.read_bytes()
    if fault := find_fault(data):
        raise ImageError(fault, where=path, remedy="save or copy it anew")
    return data


def decode_pixels(data: bytes, flags: int, path: Path) -> NDArray[Any]:
    """Pixels of an encoded image in cv2's order (BGR), as the cv2.IMREAD_* flags say."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"cannot be decoded: {error}", where=path) from error
    if pixels is None:
        raise ImageError("cannot be decoded", where=path, remedy="save or copy it anew")
    return pixels
