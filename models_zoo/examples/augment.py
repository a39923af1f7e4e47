"""Augmentation of a training image and its label: flips, a warp, and changes of grey levels.

The label stays bit planes: a warp moves 32-bit words (nearest) one by one, since cv2 takes no more
than four channels of a byte, and a flip swaps the classes of mirror_pairs exactly.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Planes, from_channels, permute_classes, to_channels
from ensemble.classes import ClassList
from models_zoo.settings.augment_spec import AugmentSpec

# albumentations asks its server for a newer version when it is imported, unless this is set.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations

_CLAHE_CLIP = (1.0, 4.0)
# Of the range of grey levels; of the size; of the knots of a bend.
_NOISE, _BLUR_PX, _HOLE, _KNOTS = (0.01, 0.06), (0.5, 1.5), (0.05, 0.2), 5


@dataclass(frozen=True, slots=True)
class Example:
    """One image to learn from, at the size of the network's input.

    `image` (h, w, channels) uint8; `planes` (K, h, w) uint32; `ignored` (h, w) bool.
    """

    image: NDArray[np.uint8]
    planes: Planes
    ignored: NDArray[np.bool_]


class Augment:
    """Changes examples as a spec says; the same seed gives the same change, in any process."""

    def __init__(self, spec: AugmentSpec, classes: ClassList) -> None:
        self.spec = spec
        self._mirror = classes.mirror_permutation
        self._grey_levels = albumentations.Compose(_grey_level_changes(spec))

    def __call__(self, example: Example, *seed: int) -> Example:
        """The changed example; `seed` are whole numbers, for example seed, epoch and index."""
        entropy = np.random.SeedSequence(seed)
        numbers, first_word = np.random.default_rng(entropy), entropy.generate_state(1)[0]
        self._grey_levels.set_random_state(numbers, random.Random(int(first_word)))
        if numbers.random() < self.spec.hflip:
            example = mirror(example, axis=1, permutation=self._mirror)
        if numbers.random() < self.spec.vflip:
            example = mirror(example, axis=0, permutation=self._mirror)
        if numbers.random() < self.spec.affine:
            example = turn(example, self.spec, numbers)
        if numbers.random() < self.spec.elastic:
            example = bend(example, self.spec.elastic_shift, numbers)
        changed = self._grey_levels(image=example.image)["image"]
        return Example(changed.reshape(example.image.shape), example.planes, example.ignored)


# An array (h, w, ...) uint8 to one of its size, by cv2's number of an interpolation.
_Warp = Callable[[NDArray[np.uint8], int], Any]


def turn(example: Example, spec: AugmentSpec, numbers: np.random.Generator) -> Example:
    """Turned, scaled and shifted in one warp; what comes in from outside is 0, and no class."""
    angle = numbers.uniform(-spec.rotate_deg, spec.rotate_deg)
    scale = numbers.uniform(1 - spec.scale, 1 + spec.scale)
    shift = numbers.uniform(-spec.shift, spec.shift, 2)
    return turn_by(example, angle, scale=scale, shift=(float(shift[0]), float(shift[1])))


def turn_by(
    example: Example,
    angle_deg: float,
    *,
    scale: float = 1.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Example:
    """Turned about the middle, against the clock as people see it, scaled, and shifted.

    `shift` is in shares of width and height; what comes in from outside is 0, and no class.
    """
    height, width = example.ignored.shape
    middle = (width - 1) / 2, (height - 1) / 2
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, angle_deg, scale), np.float64)
    matrix[:, 2] += np.array(shift) * (width, height)
    return _moved(
        example,
        lambda array, how: cv2.warpAffine(array, matrix, (width, height), flags=how),
    )


def bend(example: Example, shift: float, numbers: np.random.Generator) -> Example:
    """Moved smoothly, neighbours alike: by normal shares of the size at the knots of a grid.

    `shift` is their deviation. Between the knots, five a side, the field is cubic.
    """
    height, width = example.ignored.shape
    knots = numbers.normal(0, shift, (2, _KNOTS, _KNOTS)).astype(np.float32)
    knots *= np.array([width, height], np.float32)[:, None, None]
    across, down = (
        cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in knots
    )
    across += np.arange(width, dtype=np.float32)
    down += np.arange(height, dtype=np.float32)[:, None]
    return _moved(example, lambda array, how: cv2.remap(array, across, down, how))


def mirror(example: Example, *, axis: int, permutation: tuple[int, ...]) -> Example:
    """Mirror along an image axis (0: upside down, 1: left to right); paired classes swap."""
    mirrored = _moved(example, lambda array, _: cv2.flip(array, axis))
    if permutation == tuple(range(len(permutation))):
        return mirrored
    return replace(mirrored, planes=permute_classes(mirrored.planes, permutation))


def _moved(example: Example, warp: _Warp) -> Example:
    """The image moved linearly, its label to the nearest pixel: each word is four channels."""
    image = np.asarray(warp(example.image, cv2.INTER_LINEAR), np.uint8)
    words = [
        np.asarray(warp(to_channels(word[None]), cv2.INTER_NEAREST), np.uint8)
        for word in example.planes
    ]
    ignored = example.ignored
    if ignored.any():
        ignored = np.asarray(warp(ignored.astype(np.uint8), cv2.INTER_NEAREST), np.bool_)
    planes = np.concatenate([from_channels(word) for word in words])
    return Example(image.reshape(example.image.shape), planes, ignored)


def cut(example: Example, top: int, left: int, size: tuple[int, int]) -> Example:
    """The part of (h, w) = size from `top`, `left` on; 0, and no class, outside of the example."""
    rows, above_below = _cut_axis(top, size[0], example.ignored.shape[0])
    columns, beside = _cut_axis(left, size[1], example.ignored.shape[1])
    outside = (above_below, beside)
    return Example(
        np.pad(example.image[rows, columns], (*outside, (0, 0))),
        np.pad(example.planes[:, rows, columns], ((0, 0), *outside)),
        np.pad(example.ignored[rows, columns], outside),
    )


def _cut_axis(start: int, size: int, length: int) -> tuple[slice, tuple[int, int]]:
    """What a part takes of an axis of `length`, and how much of it lies before and after."""
    end = start + size
    outside = min(max(-start, 0), size), min(max(end - length, 0), size)
    return slice(max(start, 0), max(end, 0)), outside


def _grey_level_changes(spec: AugmentSpec) -> list[albumentations.BasicTransform]:
    low, high = spec.gamma_limit
    return [
        albumentations.RandomBrightnessContrast(
            brightness_limit=spec.brightness,
            contrast_limit=spec.contrast,
            p=spec.brightness_contrast,
        ),
        # albumentations gives gamma in percent
        albumentations.RandomGamma(gamma_limit=(100 * low, 100 * high), p=spec.gamma),
        albumentations.CLAHE(clip_limit=_CLAHE_CLIP, p=spec.clahe),
        albumentations.Emboss(p=spec.emboss),
        albumentations.Sharpen(p=spec.sharpen),
        albumentations.GaussianBlur(sigma_limit=_BLUR_PX, p=spec.blur),
        albumentations.GaussNoise(std_range=_NOISE, per_channel=False, p=spec.noise),
        albumentations.CoarseDropout(
            num_holes_range=(1, 4), hole_height_range=_HOLE, hole_width_range=_HOLE, p=spec.cutout
        ),
    ]
