"""Crops of images at their own resolution, from which a member with windows learns."""

from __future__ import annotations

import math

import numpy as np

from ensemble.bit_planes import WORD_BITS, Planes, get_mask
from ensemble.classes import ClassList
from models_zoo.examples.augment import Augment, Example, cut
from models_zoo.settings.augment_spec import AugmentSpec

# Crops that are centred on a pixel of some class, so that small ones are seen often enough: the
# share of nnU-Net (Isensee et al. 2021), `oversample_foreground_percent`.
_FOREGROUND_SHARE = 1 / 3
# An image that a warp shrinks further is 0 around the border of its crop.
_SMALLEST_SCALE = 0.5
# cv2 mixes neighbours, and a turn is not exact to the pixel.
_ROUNDING_PX = 2


class CropAugment:
    """Cuts a crop of (h, w) = `size` out of an example and changes it, as the seed decides.

    The surroundings are changed along with the crop, so that a warp brings in what lies there, and
    0 only from outside of the image.
    """

    def __init__(self, size: tuple[int, int], spec: AugmentSpec, classes: ClassList) -> None:
        self._size = size
        self._margin = warp_margin(size, spec)
        self._augment = Augment(spec.model_copy(update={"shift": 0.0}), classes)
        self._classes = classes

    @property
    def spec(self) -> AugmentSpec:
        """How crops are changed."""
        return self._augment.spec

    def __call__(self, example: Example, *seed: int) -> Example:
        """The changed crop of an example that is no smaller; `seed` as `Augment` takes it."""
        numbers = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
        top, left = place_crop(example.planes, self._size, self._classes, numbers)
        (height, width), (down, across) = self._size, self._margin
        surroundings = (height + 2 * down, width + 2 * across)
        changed = self._augment(cut(example, top - down, left - across, surroundings), *seed)
        return cut(changed, down, across, self._size)


def place_crop(
    planes: Planes, size: tuple[int, int], classes: ClassList, numbers: np.random.Generator
) -> tuple[int, int]:
    """Top and left of a crop of (h, w) = size that lies within planes (K, H, W), at random.

    A third are centred, as far as the borders allow, on a pixel of a class that is present, each
    class being as likely as any other; the background is none of them.
    """
    most = [have - want for have, want in zip(planes.shape[1:], size, strict=True)]
    around_a_class = numbers.random() < _FOREGROUND_SHARE
    if around_a_class and (present := _present_classes(planes, classes)):
        mask = get_mask(planes, present[numbers.integers(len(present))])
        centre = divmod(int(numbers.choice(np.flatnonzero(mask))), mask.shape[1])
        start = [middle - side // 2 for middle, side in zip(centre, size, strict=True)]
    else:
        start = [int(numbers.integers(last + 1)) for last in most]
    top, left = (min(max(at, 0), last) for at, last in zip(start, most, strict=True))
    return top, left


def warp_margin(size: tuple[int, int], spec: AugmentSpec) -> tuple[int, int]:
    """Pixels above and left of a crop, and as many on the other sides, that its warp reaches."""
    if spec.affine == 0:
        return 0, 0
    height, width = size
    shrunk = max(1 - spec.scale, _SMALLEST_SCALE)
    reach = (_turned(height, width, spec.rotate_deg), _turned(width, height, spec.rotate_deg))
    down, across = (
        math.ceil((long / shrunk - side) / 2) + _ROUNDING_PX
        for long, side in zip(reach, size, strict=True)
    )
    return down, across


def _turned(side: int, other: int, most_deg: float) -> float:
    """The longest extent along `side` of a rectangle turned by up to `most_deg`."""
    angle = min(math.radians(most_deg), math.atan2(other, side))
    return side * math.cos(angle) + other * math.sin(angle)


def _present_classes(planes: Planes, classes: ClassList) -> list[int]:
    words = [int(word) for word in np.bitwise_or.reduce(planes, axis=(1, 2))]
    return [
        c
        for c in range(len(classes))
        if c != classes.background and words[c // WORD_BITS] >> (c % WORD_BITS) & 1
    ]
