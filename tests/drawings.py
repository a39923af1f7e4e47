"""A data set that a tiny network learns in seconds: a left and a right disc, which swap."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from layouts import write_png

NAMES = ("left", "right", "both")
CLASSES_YAML = "names: [left, right, both]\nexclusive: false\nmirror_pairs: [[left, right]]\n"


def write_drawings(folder: Path, *, train: int = 6, val: int = 3, size=(48, 80)) -> Path:
    """train/ and val/ of images with mask folders; the class "both" is the union of the discs."""
    (folder / "classes.yaml").write_text(CLASSES_YAML, encoding="utf-8")
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("val", val)):
        for number in range(count):
            masks = _discs(rng, size)
            grey = np.clip(40 + 150 * masks[2] + rng.normal(0, 10, size), 0, 255)
            write_png(folder / part / "images" / f"{part}{number}.png", grey.astype(np.uint8))
            for name, mask in zip(NAMES, masks, strict=True):
                path = folder / part / "masks" / name / f"{part}{number}.png"
                write_png(path, mask.astype(np.uint8) * 255)
    return folder


def _discs(rng: np.random.Generator, size: tuple[int, int]) -> list[np.ndarray]:
    masks = []
    for side in (0.25, 0.75):
        disc = np.zeros(size, np.uint8)
        centre = (int(size[1] * side + rng.integers(-4, 5)), size[0] // 2)
        cv2.circle(disc, centre, int(rng.integers(8, 12)), 1, -1)
        masks.append(disc > 0)
    return [*masks, masks[0] | masks[1]]
