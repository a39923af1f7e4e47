"""Pictures of doubtful images: the masks, and where the members do not agree."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.appraisal.appraisal import Appraisal, look_at
from ensemble.classes import BACKGROUND
from ensemble.datasets import Sample
from ensemble.images import read_image
from ensemble.pictures import Picture, fit_height, overlay_masks, to_rgb
from ensemble.rle import Runs, decode
from ensemble.run_algebra import difference, intersection, union

HEIGHT_PX = 360
_DOUBT_COLOUR = np.array([255.0, 140.0, 30.0])


def doubt_pictures(found: Appraisal, sample: Sample) -> tuple[Picture, Picture]:
    """An image under its masks, and with the pixels marked about which members disagree."""
    look = look_at(found, sample)
    picture = fit_height(to_rgb(read_image(sample.image)), HEIGHT_PX)
    size = (picture.shape[0], picture.shape[1])
    shown = [c for c, name in enumerate(found.class_names) if name != BACKGROUND]
    masks = np.stack([_small(look.masks[c], look.size, size) for c in shown]) > 0.5
    doubt = np.zeros(size, np.float32)
    for c in shown:
        own = [runs for runs in (each[c] for each in look.own) if runs is not None]
        unsure = difference(union(*own), intersection(*own))
        doubt = np.maximum(doubt, _small(unsure, look.size, size))
    marked = picture + doubt[:, :, None] * (_DOUBT_COLOUR - picture)
    return overlay_masks(picture, masks), np.asarray(marked, np.uint8)


def _small(runs: Runs, full: tuple[int, int], size: tuple[int, int]) -> NDArray[np.float32]:
    """The share of each pixel of a smaller picture that a mask covers."""
    mask = decode(runs, full).astype(np.float32)
    return np.asarray(cv2.resize(mask, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
