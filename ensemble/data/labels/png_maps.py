"""PNG files whose pixels are labels: masks, and maps of class indices."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngImageFile

from ensemble.errors import ImageError, LabelError
from ensemble.images.containers import PngHeader, is_png, png_header
from ensemble.images.reading import decode_pixels, read_image_bytes

_GREY, _PALETTE = 0, 3
_MAX_PIXELS = 2**30  # OpenCV's limit for all other images


def read_mask(path: Path) -> NDArray[np.bool_]:
    """A mask (H, W) bool: every value but 0 is foreground.

    Colour channels must be equal, alpha opaque, a palette counts by index. Raises LabelError.
    """
    mask: NDArray[np.bool_] = _single_channel(_read_raw(path), path) != 0
    return mask


def read_indices(path: Path) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The stored pixel values (H, W) of a grey or palette PNG; raises LabelError for others."""
    raw = _read_raw(path)
    if raw.ndim != 2:
        raise LabelError(
            "an index map must have one channel",
            where=path,
            expected="a grey or palette PNG",
            got=f"{raw.shape[2]} channels",
            remedy="store class indices, not colours",
        )
    return raw


def _read_raw(path: Path) -> NDArray[Any]:
    """Values as stored: palette indices, and 1, 2 and 4 bit greys not stretched to 0..255."""
    try:
        data = read_image_bytes(path)
        if not is_png(data):
            raise LabelError("is no PNG", where=path)
        header = png_header(data)
        if header.colour == _PALETTE:
            return _palette_indices(data, header, path)
        pixels = decode_pixels(data, cv2.IMREAD_UNCHANGED, path)
    except ImageError as error:
        raise LabelError(error.what, where=path, remedy=error.remedy) from error
    if header.colour == _GREY and header.depth < 8:
        return pixels // np.uint8(255 // (2**header.depth - 1))
    return pixels


def _palette_indices(data: bytes, header: PngHeader, path: Path) -> NDArray[Any]:
    """The indices (H, W), which OpenCV would replace by colours."""
    if header.height * header.width > _MAX_PIXELS:
        raise LabelError(
            "has too many pixels",
            where=path,
            expected=f"at most {_MAX_PIXELS}",
            got=f"{header.width} x {header.height}",
        )
    try:
        # PIL.Image.open would warn of, or refuse, what is no larger than many a real label map
        with PngImageFile(io.BytesIO(data)) as image:
            return np.asarray(image)
    # chunks that are out of order, or whose checksums fit and whose content does not
    except (SyntaxError, OSError, ValueError, zlib.error) as error:
        raise LabelError(f"cannot be decoded: {error}", where=path) from error


def _single_channel(raw: NDArray[Any], path: Path) -> NDArray[Any]:
    if raw.ndim == 2:
        return raw
    first = raw[:, :, 0]
    if (raw[:, :, :3] != first[:, :, None]).any():
        raise LabelError(
            "a mask must be grey, but its colour channels differ",
            where=path,
            remedy="save it with one channel, 0 for background",
        )
    if raw.shape[2] == 4 and (raw[:, :, 3] != np.iinfo(raw.dtype).max).any():
        raise LabelError(
            "a mask must be opaque, but some of its pixels are transparent",
            where=path,
            remedy="save it with one channel, 0 for background",
        )
    return first
