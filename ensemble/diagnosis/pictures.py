"""The worst predictions as pictures: image, truth, prediction, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Planes, get_mask, resize_nearest, unpack
from ensemble.classes import ClassList
from ensemble.diagnosis.diagnosis import Diagnosis
from ensemble.diagnosis.image_errors import predicted_planes, verdict_map
from ensemble.diagnosis.tables import worst_classes, worst_images
from ensemble.images.reading import read_image
from ensemble.kernels.comparison import EXTRA, MISSED, OTHER, RIGHT, SEVERAL
from ensemble.report.pictures import (
    Colour,
    Masks,
    Picture,
    Verdict,
    overlay_masks,
    resized,
    tint,
    to_rgb,
)

# Shown of the worst images, classes, and images of a class; the tables hold the rest.
MOST_IMAGES, MOST_CLASSES, MOST_OF_CLASS = 6, 6, 2
_WRONG: dict[Verdict, int] = {"missed": MISSED, "extra": EXTRA, "other": OTHER}

# Pixels that count nowhere.
IGNORED_COLOUR: Colour = (128, 128, 128)

_IMAGE_PX, _CROP_PX = 640, 400
_IMAGE_ROOM, _CROP_ROOM, _LEAST_ROOM_PX = 0.05, 0.3, 8
_DIMMED = 0.7
_MASK_OPACITY = 0.6

Mask = NDArray[np.bool_]
Colours = dict[Verdict, Colour]


@dataclass(frozen=True, slots=True)
class Case:
    """A prediction that is shown: of one class, or of all classes of an image."""

    image: int
    class_index: int | None = None


@dataclass(frozen=True, slots=True)
class CasePictures:
    """Pictures of one case, all of one size; `errors` has each pixel's verdict."""

    image: Picture
    truth: Picture
    prediction: Picture
    missed: Picture
    extra: Picture
    errors: Picture


def pick_images(found: Diagnosis) -> list[Case]:
    """The images with the lowest Dice, of those that have any error."""
    wrong = [i for i in worst_images(found) if found.scores.dice[i].min() < 1]
    return [Case(i) for i in wrong[:MOST_IMAGES]]


def pick_masks(found: Diagnosis) -> list[Case]:
    """Of the classes with the lowest Dice the images with the lowest Dice, class by class."""
    dice = found.scores.dice
    return [
        Case(int(i), c)
        for c in worst_classes(found)[:MOST_CLASSES]
        for i in np.argsort(dice[:, c], kind="stable")[:MOST_OF_CLASS]
        if dice[i, c] < 1
    ]


def draw_case(found: Diagnosis, case: Case, colours: Colours) -> CasePictures:
    """Draw a case; its image, label and prediction are read again."""
    sample, classes = found.samples[case.image], found.data.labelled.classes
    picture = to_rgb(read_image(sample.image))
    runs, label = found.data.read(sample)
    both = (label.planes, predicted_planes(runs, label))
    boxes = found.boxes[case.image]
    if case.class_index is None:
        window = _window(_foreground_box(boxes, classes, label.size), label.size, _IMAGE_ROOM)
        stacks = [planes[:, window[0], window[1]] for planes in both]
        drawn = _draw_image(picture[window], stacks, classes, colours)
    else:
        window = _window(boxes[case.class_index], label.size, _CROP_ROOM)
        masks = [_cut(planes, case.class_index, window) for planes in both]
        drawn = _draw_mask(picture[window], masks, colours)
    if label.ignored is None:
        return drawn
    ignored = (label.ignored[window], IGNORED_COLOUR)
    return replace(drawn, truth=tint(drawn.truth, [ignored]), errors=tint(drawn.errors, [ignored]))


def _draw_image(
    picture: Picture, both: Sequence[Planes], classes: ClassList, colours: Colours
) -> CasePictures:
    ground = resized(picture, _shown_size(picture.shape, _IMAGE_PX))
    shown = [overlay_masks(ground, _masks(planes, ground.shape[:2], classes)) for planes in both]
    true, predicted = both
    verdicts, _ = verdict_map(true, predicted, classes)
    return _pictures(ground, shown, verdicts, colours)


def _masks(planes: Planes, size: tuple[int, int], classes: ClassList) -> Masks:
    """Masks (C, H, W) at the size of a picture; the background, which would hide it, is empty."""
    masks = unpack(resize_nearest(planes, size), len(classes))
    if classes.background is not None:
        masks[classes.background] = False
    return masks


def _draw_mask(picture: Picture, masks: Sequence[Mask], colours: Colours) -> CasePictures:
    ground = resized(picture, _shown_size(picture.shape, _CROP_PX))
    shown = [tint(ground, [(mask, colours["right"])], opacity=_MASK_OPACITY) for mask in masks]
    true, predicted = masks
    return _pictures(ground, shown, mask_verdicts(true, predicted), colours)


def mask_verdicts(true: Mask, predicted: Mask) -> NDArray[np.uint8]:
    """The code of each pixel of one class (H, W)."""
    verdicts = np.where(true, np.where(predicted, RIGHT, MISSED), np.where(predicted, EXTRA, 0))
    return np.asarray(verdicts, np.uint8)


def _pictures(
    ground: Picture, masks: Sequence[Picture], verdicts: NDArray[np.uint8], colours: Colours
) -> CasePictures:
    truth, prediction = masks
    codes = verdicts % SEVERAL
    dim = np.asarray(ground * _DIMMED, np.uint8)
    right = tint(dim, [(codes == RIGHT, colours["right"])], opacity=_MASK_OPACITY)
    wrong = [(codes == code, colours[verdict]) for verdict, code in _WRONG.items()]
    return CasePictures(
        image=ground,
        truth=truth,
        prediction=prediction,
        missed=tint(dim, [((codes == MISSED) | (codes == OTHER), colours["missed"])]),
        extra=tint(dim, [((codes == EXTRA) | (codes == OTHER), colours["extra"])]),
        errors=tint(right, wrong),
    )


def _foreground_box(
    boxes: NDArray[np.int64], classes: ClassList, size: tuple[int, int]
) -> NDArray[np.int64]:
    """The box around those of all classes but the background; of none the whole image."""
    is_shown = boxes[:, 2] > 0
    if classes.background is not None:
        is_shown[classes.background] = False
    if not is_shown.any():
        return np.array([0, 0, *size], np.int64)
    shown = boxes[is_shown]
    return np.concatenate([shown[:, :2].min(axis=0), shown[:, 2:].max(axis=0)])


def _window(box: NDArray[np.int64], size: tuple[int, int], share: float) -> tuple[slice, slice]:
    """A box with a share of its longer side as room around it, inside of an (H, W) = size image."""
    top, left, bottom, right = box.tolist()
    room = max(round(max(bottom - top, right - left) * share), _LEAST_ROOM_PX)
    rows = slice(max(top - room, 0), min(bottom + room, size[0]))
    return rows, slice(max(left - room, 0), min(right + room, size[1]))


def _cut(planes: Planes, class_index: int, window: tuple[slice, slice]) -> Mask:
    return get_mask(planes[:, window[0], window[1]], class_index)


def _shown_size(size: tuple[int, ...], longest_px: int) -> tuple[int, int]:
    """(H, W) in the same aspect ratio."""
    scale = longest_px / max(size[:2])
    return max(round(size[0] * scale), 1), max(round(size[1] * scale), 1)
