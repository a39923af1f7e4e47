"""Small image files of every kind that is read, and ways to damage them."""

from __future__ import annotations

import io
from functools import cache

import cv2
import numpy as np
import PIL.Image
from hypothesis import strategies as st

SIZE = (20, 31)
GREY = np.random.default_rng(0).integers(0, 256, SIZE, np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (*SIZE, 3), np.uint8)
GREY16 = GREY.astype(np.uint16) * 257


def pillow(image: PIL.Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    """An image file as PIL writes it."""
    stream = io.BytesIO()
    image = image if isinstance(image, PIL.Image.Image) else PIL.Image.fromarray(image)
    image.save(stream, kind, **options)
    return stream.getvalue()


def opencv(pixels: np.ndarray, suffix: str) -> bytes:
    """An image file as OpenCV writes it; pixels in RGB."""
    stored = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(suffix, stored)[1].tobytes()


@cache
def encoded_images() -> dict[str, bytes]:
    """Files by kind."""
    files = {
        f"{library.__name__} {suffix[1:]} {name}": library(pixels, kind)
        for name, pixels in (("grey", GREY), ("rgb", RGB))
        for suffix in (".png", ".jpeg", ".bmp", ".tiff")
        for library, kind in ((pillow, suffix[1:]), (opencv, suffix))
    }
    palette = PIL.Image.fromarray(RGB).quantize(16)
    return files | {
        "16 bit png": opencv(GREY16, ".png"),
        "16 bit tiff": opencv(GREY16, ".tiff"),
        "big tiff": pillow(GREY, "tiff", big_tiff=True),
        "compressed tiff": pillow(RGB, "tiff", compression="tiff_lzw"),
        "palette png": pillow(palette, "png"),
        "palette tiff": pillow(palette, "tiff"),
        "palette bmp": pillow(palette, "bmp"),
        "progressive jpeg": pillow(RGB, "jpeg", progressive=True),
    }


@st.composite
def damaged_images(draw: st.DrawFn) -> bytes:
    """A file of any kind that was cut off, in which bytes or whole numbers were changed."""
    data = bytearray(encoded_images()[draw(st.sampled_from(sorted(encoded_images())))])
    for _ in range(draw(st.integers(1, 3))):
        width = draw(st.sampled_from([1, 2, 4, 8]))
        near = draw(st.sampled_from([32, 400, len(data)]))  # of the start, or of the end
        place = draw(st.integers(0, min(near, len(data))))
        start = draw(st.sampled_from([place, max(len(data) - place, 0)]))
        number = draw(st.one_of(st.integers(0, 300), st.integers(0, 2 ** (8 * width) - 1)))
        order = draw(st.sampled_from(["little", "big"]))
        data[start : start + width] = (number % 2 ** (8 * width)).to_bytes(width, order)
    if draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)
