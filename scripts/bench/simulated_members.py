"""Members whose truth is known: soft maps drawn around ellipses, as good as a scenario says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from ensemble.bit_planes import Label, pack
from ensemble.tuning.rules import ThresholdRange
from ensemble.tuning.statistic import ClassMaps, StatisticBuilder, TupleStatistic

NUM_MEMBERS, NUM_CLASSES = 4, 8
SIZE, GRID = 160, 80
BLUR = 5.0  # pixels over which a member errs alike
SHARED_NOISE = 1.0  # px, of what all members get wrong alike


@dataclass(frozen=True, slots=True)
class Scenario:
    """`noise` (M, C): how far a member's outlines are off, in px.

    Logits are multiplied by `scale` (M,), and `shift` (M,) is added: 1 and 0 are right.
    """

    noise: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


def scenarios() -> Mapping[str, Scenario]:
    """The three truths that tuning is held against."""
    alike, none = np.ones(NUM_MEMBERS), np.zeros(NUM_MEMBERS)
    equal = np.full((NUM_MEMBERS, NUM_CLASSES), 2.5)
    one_bad = equal.copy()
    one_bad[1:] = 10.0
    special = equal.copy()
    special[0, : NUM_CLASSES // 2] = 0.8
    scale, shift = alike.copy(), none.copy()
    scale[3], shift[3] = 0.5, 2.0
    return {
        "equal": Scenario(equal, alike, none),
        "one good": Scenario(one_bad, alike, none),
        "specialist": Scenario(special, scale, shift),
    }


def draw_statistic(rng: np.random.Generator, scenario: Scenario, num_images: int) -> TupleStatistic:
    """What tuning keeps of `num_images` images."""
    present = np.ones((NUM_CLASSES, NUM_MEMBERS), np.bool_)
    builder = StatisticBuilder(present, range(NUM_CLASSES), ThresholdRange())
    for _ in range(num_images):
        builder.add(*draw_image(rng, scenario))
    return builder.result()


def draw_image(rng: np.random.Generator, scenario: Scenario) -> tuple[list[ClassMaps], Label]:
    """For each class its members' maps (GRID, GRID), and the label (SIZE, SIZE)."""
    masks = np.zeros((NUM_CLASSES, SIZE, SIZE), np.uint8)
    maps: list[ClassMaps] = []
    for c, mask in enumerate(masks):
        centre, axes = rng.integers(55, 105, 2), rng.integers(9, 28, 2)
        cv2.ellipse(mask, centre.tolist(), axes.tolist(), float(rng.uniform(0, 180)), 0, 360, 1, -1)
        depth = signed_depth(mask) + SHARED_NOISE * smooth_noise(rng)
        maps.append([draw_map(rng, depth, scenario, m, c) for m in range(NUM_MEMBERS)])
    return maps, Label(pack(masks > 0))


def draw_map(
    rng: np.random.Generator, depth: np.ndarray, scenario: Scenario, m: int, c: int
) -> np.ndarray:
    """What member m says of class c."""
    logits = depth + scenario.noise[m, c] * smooth_noise(rng)
    logits = scenario.scale[m] * logits + scenario.shift[m]
    return np.rint(255 / (1 + np.exp(-logits.clip(-30, 30)))).astype(np.uint8)


def signed_depth(mask: np.ndarray) -> np.ndarray:
    """How far inside the outline each pixel of the grid is, in px of the image."""
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    return cv2.resize(inside - outside, (GRID, GRID), interpolation=cv2.INTER_AREA)


def smooth_noise(rng: np.random.Generator) -> np.ndarray:
    """A field (GRID, GRID) of variance 1."""
    field = cv2.GaussianBlur(rng.normal(size=(GRID, GRID)).astype(np.float32), (0, 0), BLUR)
    return field / field.std()
