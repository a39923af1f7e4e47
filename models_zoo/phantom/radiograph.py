"""The X-ray itself: flesh, bones, metal, film curve and noise become an 8-bit image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_zoo.phantom.bone_shadow import add_bone
from models_zoo.phantom.pose import FILM_MM, Hand
from models_zoo.phantom.soft_tissue import blurred, finger_radius_mm, soft_tissue_mm
from models_zoo.phantom.splines import Points

FLESH_PER_MM = 0.0215
METAL = 3.0
VEIL = 0.16
VEIL_MM = 3.5
# Texture and flesh are drawn on grids of their own, so that every image size shows the same hand.
TEXTURE_PX = 1024
FLESH_PX = 1024


@dataclass(frozen=True, slots=True)
class Exposure:
    """How an image is taken: film curve, air, noise, sharpness, and what lies in the beam.

    `gain` and `gamma` bend attenuation into grey; `air` is the grey of unattenuated film with its
    slope (x, y) across the film; `noise` is the deviation of log intensity at 2048 pixels.
    `marker` is the corner (x, y) of the lead letter, 0 to 1; `ring` the digit that wears one.
    """

    gain: float
    gamma: float
    brightness: float
    air: float
    air_slope: tuple[float, float]
    noise: float
    blur_mm: float
    marker: tuple[float, float] | None
    ring: int | None


def draw_exposure(generator: np.random.Generator) -> Exposure:
    """The technician's choices: contrast and brightness shift from image to image."""
    corner = (float(generator.uniform(0.04, 0.13)), float(generator.uniform(0.05, 0.12)))
    at_right = generator.random() < 0.5
    marker = (1.0 - corner[0] if at_right else corner[0], corner[1])
    finger = int(generator.choice((2, 3, 3, 4)))
    return Exposure(
        gain=float(generator.uniform(1.05, 1.6)),
        gamma=float(generator.uniform(1.10, 1.40)),
        brightness=float(generator.uniform(0.92, 1.08)),
        air=float(generator.uniform(0.02, 0.07)),
        air_slope=(float(generator.uniform(-0.02, 0.02)), float(generator.uniform(-0.02, 0.02))),
        noise=float(generator.uniform(0.015, 0.045)),
        blur_mm=float(generator.uniform(0.10, 0.22)),
        marker=marker if generator.random() < 0.5 else None,
        ring=finger if generator.random() < 0.12 else None,
    )


def render_radiograph(
    hand: Hand,
    polygons_px: Mapping[str, NDArray[np.int32]],
    exposure: Exposure,
    *,
    size: int,
    generator: np.random.Generator,
) -> NDArray[np.uint8]:
    """The image (size, size) of a hand whose bones fill `polygons_px`, the label's polygons."""
    attenuation = _resized(soft_tissue_mm(hand, FLESH_PX), size) * np.float32(FLESH_PER_MM)
    texture = _trabeculae(size, generator)
    bones = np.zeros((size, size), np.float32)
    for bone in hand.bones:
        add_bone(bones, polygons_px[bone.name], bone, texture, hand.body.density)
    # The beam scatters: dense places veil their surroundings, most of all in the wrist.
    veil = blurred(bones, VEIL_MM * size / FILM_MM)
    attenuation += np.float32(1.0 - VEIL) * bones + np.float32(VEIL) * veil
    _add_metal(attenuation, hand, exposure)
    return _developed(attenuation, exposure, generator)


def _trabeculae(size: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Spongy bone's grain (size, size) around 0: struts along the forearm on coarser clouds."""
    noise = generator.standard_normal((TEXTURE_PX, TEXTURE_PX), dtype=np.float32)
    struts = cv2.GaussianBlur(noise, (0, 0), sigmaX=0.8, sigmaY=2.0)
    clouds = cv2.GaussianBlur(noise[::4, ::4], (0, 0), 2.0)
    fine = 0.17 / float(struts.std()) * struts
    coarse = 0.10 / float(clouds.std()) * cv2.resize(clouds, (TEXTURE_PX, TEXTURE_PX))
    grain = np.asarray(fine + coarse, np.float32)
    return _resized(grain, size)


def _resized(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    kind = cv2.INTER_AREA if size < image.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size, size), interpolation=kind), np.float32)


def _add_metal(attenuation: NDArray[np.float32], hand: Hand, exposure: Exposure) -> None:
    """A ring on a finger and the technician's lead letter."""
    size = attenuation.shape[0]
    metal = np.zeros((size, size), np.uint8)
    if exposure.ring is not None:
        band = _ring_mm(hand, exposure.ring, finger_radius_mm(hand, exposure.ring))
        cv2.fillPoly(metal, [np.rint(band * size / FILM_MM - 0.5).astype(np.int32)], 255)
    if exposure.marker is not None:
        _draw_letter(metal, hand.side, exposure.marker)
    if metal.any():
        attenuation += metal.astype(np.float32) * np.float32(METAL / 255.0)


def _ring_mm(hand: Hand, digit: int, radius_mm: float) -> Points:
    """Outline of a ring seen slightly from above, across the first part of a finger."""
    knuckle, joint = hand.rays_mm[digit][1:3]
    ahead = (joint - knuckle) / np.linalg.norm(joint - knuckle)
    across = np.array([-ahead[1], ahead[0]])
    t = np.linspace(-1.0, 1.0, 25)[:, None]
    bow = 1.6 * (1.0 - t * t)
    middle = knuckle + 0.52 * (joint - knuckle)
    upper = middle + across * radius_mm * t + ahead * (bow + 1.5)
    lower = middle + across * radius_mm * t + ahead * (bow - 1.5)
    return np.concatenate([upper, lower[::-1]])


def _draw_letter(metal: NDArray[np.uint8], letter: str, at: tuple[float, float]) -> None:
    size = metal.shape[0]
    height = size * 0.028
    scale = cv2.getFontScaleFromHeight(cv2.FONT_HERSHEY_SIMPLEX, max(4, round(height)))
    thickness = max(1, round(height / 6.0))
    origin = (round(at[0] * size - height * 0.4), round(at[1] * size + height * 0.5))
    cv2.putText(metal, letter, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)


def _developed(
    attenuation: NDArray[np.float32], exposure: Exposure, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Attenuation (size, size) through blur, quantum noise and film curve to 8-bit grey."""
    size = attenuation.shape[0]
    sigma_px = float(np.hypot(exposure.blur_mm * size / FILM_MM, 0.35))
    image = np.asarray(cv2.GaussianBlur(attenuation, (0, 0), sigma_px), np.float32)
    # N quanta leave a deviation of 1 / sqrt(N) in the logarithm, and N falls with exp(-image).
    grain = generator.standard_normal((size, size), dtype=np.float32)
    grain *= cv2.exp(image * np.float32(0.5)) * np.float32(exposure.noise * size / 2048.0)
    image += grain
    np.maximum(image, 0.0, out=image)
    grey = 1.0 - cv2.exp(image * np.float32(-exposure.gain))
    grey = cv2.pow(grey, exposure.gamma) * np.float32(exposure.brightness)
    ramp = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    grey += np.float32(exposure.air) + np.float32(exposure.air_slope[0]) * ramp[None, :]
    grey += np.float32(exposure.air_slope[1]) * ramp[:, None]
    return np.asarray(cv2.convertScaleAbs(np.clip(grey, 0.0, 1.0), alpha=255.0), np.uint8)
