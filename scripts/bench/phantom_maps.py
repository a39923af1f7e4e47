"""Soft maps as a trained network gives them, made from the masks of a drawn hand."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models_zoo.phantom.plan import plan_shots
from models_zoo.phantom.scene import draw_scene, label_polygons

Maps = NDArray[np.float32]

_IMAGES, _SEED = 40, 0
_SURENESS = 0.003  # probability far from every outline


def phantom_masks(number: int, size: int) -> NDArray[np.uint8]:
    """The 29 overlapping bones of phantom image `number` (0..39), (29, size, size) of 0 and 1."""
    shot = plan_shots(_IMAGES, size, _SEED)[number]
    polygons = label_polygons(draw_scene(shot, _SEED).hand, size)
    masks = np.zeros((len(polygons), size, size), np.uint8)
    for mask, polygon in zip(masks, polygons.values(), strict=True):
        cv2.fillPoly(mask, [polygon], 1)
    return masks


def soft_maps(rng: np.random.Generator, masks: NDArray[np.uint8], grid: int) -> Maps:
    """Probabilities (C, grid, grid): blurred masks with wavering outlines on a noisy background."""
    return np.stack([_soft_map(rng, mask, grid) for mask in masks])


def _soft_map(rng: np.random.Generator, mask: NDArray[np.uint8], grid: int) -> Maps:
    """The outline is moved by noise some pixels wide; every logit wavers a little by itself."""
    soft = cv2.resize(mask.astype(np.float32), (grid, grid), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(soft, (0, 0), 1.2)
    wide = cv2.GaussianBlur(rng.logistic(size=(grid, grid)).astype(np.float32), (0, 0), 3)
    logits = np.log((soft + _SURENESS) / (1 - soft + _SURENESS))
    logits += 4 * wide * (soft > 0.01) + rng.normal(0, 0.2, (grid, grid))
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def noise_maps(rng: np.random.Generator, num_classes: int, grid: int) -> Maps:
    """Uniform noise, the worst case: half of all pixels are foreground and no cell is certain."""
    return rng.random((num_classes, grid, grid), np.float32)


def with_background(maps: Maps) -> Maps:
    """Exclusive classes: the first is what the others leave, and all sum to 1, (C, h, w)."""
    background = np.prod(1 - maps[1:], axis=0, keepdims=True)
    shares = np.concatenate([background, maps[1:]])
    return np.ascontiguousarray(shares / shares.sum(0), np.float32)
