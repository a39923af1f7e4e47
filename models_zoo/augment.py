"""Augmentation of a training image and its label: flips, a warp, and changes of grey levels.

The label stays bit planes: a warp moves 32-bit words (nearest) one by one, since cv2 takes no more
than four channels of a byte, and a flip swaps the classes of mirror_pairs exactly.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Planes, from_channels, permute_classes, to_channels
from ensemble.classes import ClassList
from models_zoo.augment_spec import AugmentSpec

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
        self._warp = albumentations.Compose([_affine(spec)])
        self._grey_levels = albumentations.Compose(_grey_level_changes(spec))

    def __call__(self, example: Example, *seed: int) -> Example:
        """The changed example; `seed` are whole numbers, for example seed, epoch and index."""
        entropy = np.random.SeedSequence(seed)
        numbers, first_word = np.random.default_rng(entropy), entropy.generate_state(1)[0]
        for stage in (self._warp, self._grey_levels):
            stage.set_random_state(numbers, random.Random(int(first_word)))
        if numbers.random() < self.spec.hflip:
            example = mirror(example, axis=1, permutation=self._mirror)
        if numbers.random() < self.spec.vflip:
            example = mirror(example, axis=0, permutation=self._mirror)
        example = self._warped(example)
        if self.spec.elastic and numbers.random() < self.spec.elastic:
            example = bend(example, self.spec.elastic_shift, numbers)
        changed = self._grey_levels(image=example.image)["image"]
        return Example(changed.reshape(example.image.shape), example.planes, example.ignored)

    def _warped(self, example: Example) -> Example:
        # albumentations wants masks of one shape: what is ignored goes along as one more word
        words = np.concatenate([example.planes, example.ignored[None].astype(np.uint32)])
        moved = self._warp(image=example.image, masks=[to_channels(word[None]) for word in words])
        planes = np.concatenate([from_channels(channels) for channels in moved["masks"]])
        return Example(
            moved["image"].reshape(example.image.shape), planes[:-1], planes[-1].astype(np.bool_)
        )


def bend(example: Example, shift: float, numbers: np.random.Generator) -> Example:
    """Moved smoothly, neighbours alike: by normal shares of the size at the knots of a grid.

    `shift` is their deviation. Between the knots, five a side, the field is cubic.
    """
    height, width = example.ignored.shape
    knots = numbers.normal(0, shift, (2, _KNOTS, _KNOTS)).astype(np.float32)
    knots *= np.array([width, height], np.float32)[:, None, None]
    field = [cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in knots]
    rows, columns = np.indices((height, width), np.float32)
    across, down = columns + field[0], rows + field[1]
    image = cv2.remap(example.image, across, down, cv2.INTER_LINEAR)
    words = np.concatenate([example.planes, example.ignored[None].astype(np.uint32)])
    moved = [cv2.remap(to_channels(word[None]), across, down, cv2.INTER_NEAREST) for word in words]
    planes = np.concatenate([from_channels(np.asarray(each, np.uint8)) for each in moved])
    return Example(
        np.asarray(image, np.uint8).reshape(example.image.shape),
        planes[:-1],
        planes[-1].astype(np.bool_),
    )


def mirror(example: Example, *, axis: int, permutation: tuple[int, ...]) -> Example:
    """Mirror along an image axis (0: upside down, 1: left to right); paired classes swap."""
    return Example(
        np.ascontiguousarray(np.flip(example.image, axis)),
        permute_classes(np.ascontiguousarray(np.flip(example.planes, axis + 1)), permutation),
        np.ascontiguousarray(np.flip(example.ignored, axis)),
    )


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


def _affine(spec: AugmentSpec) -> albumentations.BasicTransform:
    """A turn, a change of scale and a shift in one warp; what comes in from outside is 0."""
    return albumentations.Affine(
        rotate=(-spec.rotate_deg, spec.rotate_deg),
        scale=(1 - spec.scale, 1 + spec.scale),
        translate_percent=(-spec.shift, spec.shift),
        keep_ratio=True,
        interpolation=cv2.INTER_LINEAR,
        mask_interpolation=cv2.INTER_NEAREST,
        border_mode=cv2.BORDER_CONSTANT,
        p=spec.affine,
    )


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
