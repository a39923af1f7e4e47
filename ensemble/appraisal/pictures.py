"""Pictures of doubtful images: the masks, and what the members do not agree about."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.appraisal.appraisal import Appraisal, look_at
from ensemble.classes import BACKGROUND
from ensemble.data.datasets import Sample
from ensemble.fusion.soft_maps import LEVELS
from ensemble.images.reading import read_image
from ensemble.report.pictures import Picture, fit_height, overlay_masks, to_rgb
from ensemble.runs.rle import Runs, decode
from ensemble.tuning.class_plan import ClassMaps

HEIGHT_PX = 360
_DOUBT_COLOUR = np.array([255.0, 140.0, 30.0])

Floats = NDArray[np.float32]


def doubt_pictures(found: Appraisal, sample: Sample) -> tuple[Picture, Picture]:
    """An image under its masks, and coloured by how far its members disagree about a pixel.

    That is the largest over classes of their weighted standard deviation, over the largest that
    there can be. A member alone is shown by the entropy of what it says.
    """
    look = look_at(found, sample)
    picture = fit_height(to_rgb(read_image(sample.image)), HEIGHT_PX)
    size = (picture.shape[0], picture.shape[1])
    shown = [c for c, name in enumerate(found.class_names) if name != BACKGROUND]
    masks = np.stack([_small_mask(look.masks[c], look.size, size) for c in shown])
    doubt = np.zeros(size, np.float32)
    for c, maps in enumerate(found.material.stored.by_class(sample, found.material.plan)):
        if c in shown:
            doubt = np.maximum(doubt, _class_doubt(found, c, maps, size))
    marked = picture + doubt[:, :, None] * (_DOUBT_COLOUR - picture)
    return overlay_masks(picture, masks), np.asarray(marked, np.uint8)


def _class_doubt(found: Appraisal, c: int, maps: ClassMaps, size: tuple[int, int]) -> Floats:
    """0..1 for each pixel of a picture of (H, W) = size."""
    mean, square = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for plane, weight in zip(maps, found.rules.weights[c], strict=True):
        if plane is not None and weight > 0:
            probs = _probabilities(found, plane, size)
            mean += np.float32(weight) * probs
            square += np.float32(weight) * probs**2
    if len(found.names) == 1:
        p = np.clip(mean, 1e-6, 1 - 1e-6)
        return np.asarray(-p * np.log2(p) - (1 - p) * np.log2(1 - p), np.float32)
    return np.asarray(2 * np.sqrt(np.clip(square - mean**2, 0.0, 0.25)), np.float32)


def _probabilities(found: Appraisal, plane: NDArray[np.uint8], size: tuple[int, int]) -> Floats:
    """A quantised map (h, w) at the size of a picture, as probabilities."""
    shares = cv2.resize(plane.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    scale = found.fusion.scale
    values = scale.low + shares / LEVELS * (scale.high - scale.low)
    if scale.space == "prob":
        return np.asarray(values, np.float32)
    is_log = found.material.plan.exclusive
    return np.asarray(np.exp(values) if is_log else 1 / (1 + np.exp(-values)), np.float32)


def _small_mask(runs: Runs, full: tuple[int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of a smaller picture of which a mask covers more than half."""
    mask = decode(runs, full).astype(np.uint8) * np.uint8(255)
    small = cv2.resize(mask, size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small > LEVELS // 2, np.bool_)
