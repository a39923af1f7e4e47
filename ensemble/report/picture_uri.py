"""Pictures inside a page: WebP as data URIs, within a budget of bytes."""

from __future__ import annotations

import base64

import cv2

from ensemble.report.pictures import Picture, resized

# A page of 300 images stays under 15 MB with its text and charts.
PAGE_BYTES = 10_000_000
_QUALITIES = (82, 65, 45, 25)
_LEAST_PX = 16
_MOST_PX = 16383  # a side of a WebP


def picture_uri(picture: Picture, *, most_bytes: int = 60_000) -> str:
    """A picture (H, W, 3) RGB as WebP in a data URI of about `most_bytes` or fewer.

    The best quality that fits is taken; what fits in none is halved, down to 16 pixels. Sides
    longer than a WebP's 16383 pixels are made as short as that.
    """
    height, width, _ = picture.shape
    if max(height, width) > _MOST_PX:
        picture = resized(picture, (min(height, _MOST_PX), min(width, _MOST_PX)))
    while True:
        for quality in _QUALITIES:
            encoded = _webp(picture, quality)
            if len(encoded) * 4 <= most_bytes * 3:  # base64 writes 4 letters for 3 bytes
                return _uri(encoded)
        if min(picture.shape[:2]) < 2 * _LEAST_PX:
            return _uri(encoded)
        picture = resized(picture, (picture.shape[0] // 2, picture.shape[1] // 2))


def share_of_page(num_pictures: int) -> int:
    """How many bytes each of so many pictures may take."""
    return min(PAGE_BYTES // max(num_pictures, 1), 60_000)


def _webp(picture: Picture, quality: int) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
    return encoded.tobytes()


def _uri(encoded: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(encoded).decode("ascii")
