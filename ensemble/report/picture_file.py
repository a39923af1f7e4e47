"""Pictures as files."""

from __future__ import annotations

from pathlib import Path

import cv2

from ensemble.errors import OutputError
from ensemble.files.whole_file import whole_file
from ensemble.report.pictures import Picture

_SUFFIXES = (".webp", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture in the format that its name ends in, whole or not at all.

    Raises OutputError for a name that ends in none, or a picture that the format cannot hold.
    """
    if path.suffix.lower() not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise OutputError("is no name of a picture", where=path, expected=f"one ending in {known}")
    written, encoded = cv2.imencode(path.suffix.lower(), picture[:, :, ::-1])
    if not written:
        height, width, _ = picture.shape
        raise OutputError(f"cannot hold a picture of {height} x {width} pixels", where=path)
    with whole_file(path) as part:
        part.write_bytes(encoded.tobytes())
