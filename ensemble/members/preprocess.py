"""From a decoded image to a network's input: the same path in training and in prediction."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.images.reading import Image
from ensemble.members.manifest import InputSpec, Intensity

_PERCENTILES = (1.0, 99.0)


def prepare_image(image: Image, spec: InputSpec) -> NDArray[np.uint8]:
    """Bring a decoded image (H, W) or (H, W, 3), 8 or 16 bit, to (h, w, channels) uint8.

    h, w = spec.size; with windows its own size, or that of a window on a side that is smaller,
    mirrored below and on the right. Shrinking averages over areas (no aliasing), enlarging is
    bilinear; both keep pixel centres in place.
    """
    levels: NDArray[Any] = image
    if image.ndim == 3 and spec.channels == 1:
        levels = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if spec.window is None:
        levels = resize_image(levels, spec.size)
    pixels = to_eight_bit(levels, spec.intensity)
    if pixels.ndim == 2:  # copied to all channels last: there is a third to resize
        pixels = np.repeat(pixels[:, :, None], spec.channels, axis=2)
    return pixels if spec.window is None else _pad(pixels, spec.size)


def _pad(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    below, right = (max(want - have, 0) for want, have in zip(size, pixels.shape, strict=False))
    return np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="symmetric")


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
    return standardise(to_intensities(pixels), spec)


def to_intensities(pixels: torch.Tensor) -> torch.Tensor:
    """(N, h, w, channels) uint8 to (N, channels, h, w) float32 in 0..1."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32) / 255.0


def standardise(intensities: torch.Tensor, spec: InputSpec) -> torch.Tensor:
    """Intensities (N, channels, h, w) in 0..1 to network input: (x - mean) / std a channel."""
    mean = torch.tensor(spec.mean, device=intensities.device).view(-1, 1, 1)
    std = torch.tensor(spec.std, device=intensities.device).view(-1, 1, 1)
    return (intensities - mean) / std
