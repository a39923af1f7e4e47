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
from models_zoo.member_spec import AugmentSpec

# albumentations asks its server for a newer version when it is imported, unless this is set.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import albumentations

_CLAHE_CLIP = (1.0, 4.0)


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
        self._spec = spec
        self._mirror = classes.mirror_permutation
        self._warp = albumentations.Compose([_affine(spec)])
        self._grey_levels = albumentations.Compose(_grey_level_changes(spec))

    def __call__(self, example: Example, *seed: int) -> Example:
        """The changed example; `seed` are whole numbers, for example seed, epoch and index."""
        entropy = np.random.SeedSequence(seed)
        numbers, first_word = np.random.default_rng(entropy), entropy.generate_state(1)[0]
        for stage in (self._warp, self._grey_levels):
            stage.set_random_state(numbers, random.Random(int(first_word)))
        if numbers.random() < self._spec.hflip:
            example = mirror(example, axis=1, permutation=self._mirror)
        if numbers.random() < self._spec.vflip:
            example = mirror(example, axis=0, permutation=self._mirror)
        example = self._warped(example)
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


def mirror(example: Example, *, axis: int, permutation: tuple[int, ...]) -> Example:
    """Mirror along an image axis (0: upside down, 1: left to right); paired classes swap."""
    return Example(
        np.ascontiguousarray(np.flip(example.image, axis)),
        permute_classes(np.ascontiguousarray(np.flip(example.planes, axis + 1)), permutation),
        np.ascontiguousarray(np.flip(example.ignored, axis)),
    )


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
    ]
