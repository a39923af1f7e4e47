"""Draw the README's picture: the two hands of a phantom person, one of them with its label on top.

Run as `python scripts/readme_pictures.py scripts/pictures/phantom.webp`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models_zoo.phantom.plan import HAND_STREAM, plan_shots, stream
from models_zoo.phantom.scene import PIXELS, draw_scene, label_polygons, render_scene

SEED = 1
PERSON = 1
RENDERED_PX = 1024
WIDTH_PX, HEIGHT_PX = 400, 560
TOP_PX = 64  # left free above the longest finger
OPACITY = 0.45
WEBP_QUALITY = 93

Image = NDArray[np.uint8]
Polygons = Mapping[str, NDArray[np.int32]]


def main() -> None:
    """Write the picture to the path given on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="where to write, a .webp")
    path: Path = parser.parse_args().path
    options = [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY]
    _, encoded = cv2.imencode(".webp", two_hands(), options)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded.tobytes())
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


def two_hands() -> Image:
    """The picture (HEIGHT_PX, 2 * WIDTH_PX, 3), BGR: a plain hand beside a labelled one."""
    plain, labelled = (drawn_hand(number) for number in (2 * PERSON, 2 * PERSON + 1))
    left = framed(plain[0], plain[1])
    right = framed(coloured(*labelled), labelled[1])
    return np.hstack([left, right])


def drawn_hand(number: int) -> tuple[Image, Polygons]:
    """One image (H, W, 3) of the phantom data set with its label."""
    shot = plan_shots(12, RENDERED_PX, SEED)[number]
    scene = draw_scene(shot, SEED)
    polygons = label_polygons(scene.hand, RENDERED_PX)
    pixels = stream(SEED, HAND_STREAM, number, PIXELS)
    grey = render_scene(scene, polygons, RENDERED_PX, pixels)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8), polygons


def coloured(image: Image, polygons: Polygons) -> Image:
    """The image under its masks, a hue a class; where masks overlap their colours mix."""
    painted = image.astype(np.float32)
    for colour, polygon in zip(hues(len(polygons)), polygons.values(), strict=True):
        mask = cv2.fillPoly(np.zeros(image.shape[:2], np.uint8), [polygon], 1) > 0
        painted[mask] += OPACITY * (colour - painted[mask])
    for colour, polygon in zip(hues(len(polygons)), polygons.values(), strict=True):
        cv2.polylines(painted, [polygon], True, colour.tolist(), 1, cv2.LINE_AA)
    return painted.clip(0, 255).astype(np.uint8)


def hues(count: int) -> NDArray[np.float32]:
    """Colours (count, 3), BGR; neighbours in the list lie far apart (golden angle)."""
    hue = (np.arange(count) * 0.618034 % 1.0 * 180).astype(np.uint8)
    hsv = np.stack([hue, np.full_like(hue, 170), np.full_like(hue, 255)], axis=1)
    return np.asarray(cv2.cvtColor(hsv[None], cv2.COLOR_HSV2BGR)[0], np.float32)


def framed(image: Image, polygons: Polygons) -> Image:
    """The upright part of the image that holds the hand, at the size of half the picture."""
    low, high = (pick(np.concatenate(list(polygons.values())), axis=0) for pick in (np.min, np.max))
    top = max(0, int(low[1]) - TOP_PX)
    width = (image.shape[0] - top) * WIDTH_PX // HEIGHT_PX
    left = min(max(0, int(low[0] + high[0] - width) // 2), image.shape[1] - width)
    part = image[top:, left : left + width]
    reduced = cv2.resize(part, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.uint8)


if __name__ == "__main__":
    main()
