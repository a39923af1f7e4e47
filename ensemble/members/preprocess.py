"""From a decoded image to a network's input: the same path in training and in prediction."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.images import Image
from ensemble.members.manifest import InputSpec, Intensity

_PERCENTILES = (1.0, 99.0)


def prepare_image(image: Image, spec: InputSpec) -> NDArray[np.uint8]:
    """Bring a decoded image (H, W) or (H, W, 3), 8 or 16 bit, to (h, w, channels) uint8.

    h, w = spec.size. Shrinking averages over areas (no aliasing), enlarging is bilinear; both keep
    pixel centres in place.
    """
    pixels = to_eight_bit(
        resize_image(_to_channels(image, spec.channels), spec.size), spec.intensity
    )
    return pixels.reshape(*spec.size, spec.channels)


def resize_image(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Resize (H, W) or (H, W, ch) to (h, w) = size, averaging areas where an axis shrinks.

    An axis that shrinks goes first: cv2 averages only if none grows in the same call.
    """
    height, width = size
    smaller = min(width, image.shape[1]), min(height, image.shape[0])
    if smaller != image.shape[1::-1]:
        image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def to_eight_bit(image: NDArray[Any], intensity: Intensity) -> NDArray[np.uint8]:
    """Bring grey levels to 0..255 by the range of the dtype, or by the image's own percentiles."""
    deep = image.dtype != np.uint8
    if intensity == "percentile" or (intensity == "auto" and deep):
        low, high = np.percentile(image, _PERCENTILES)
        scaled = (image.astype(np.float32) - low) * (255.0 / max(high - low, 1.0))
        return np.asarray(np.clip(np.rint(scaled), 0, 255), np.uint8)
    if deep:
        return np.asarray(np.rint(image.astype(np.float32) / 257.0), np.uint8)
    return np.asarray(image, np.uint8)


def normalise(pixels: torch.Tensor, spec: InputSpec) -> torch.Tensor:
    """(N, h, w, channels) uint8 on any device to network input (N, channels, h, w) float32."""
    mean = torch.tensor(spec.mean, device=pixels.device).view(-1, 1, 1)
    std = torch.tensor(spec.std, device=pixels.device).view(-1, 1, 1)
    planar = pixels.permute(0, 3, 1, 2).to(torch.float32)
    return (planar / 255.0 - mean) / std


def _to_channels(image: Image, channels: int) -> NDArray[Any]:
    if image.ndim == 2:
        return image if channels == 1 else np.repeat(image[:, :, None], 3, axis=2)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if channels == 1 else image
