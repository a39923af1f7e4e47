"""What bones take from the beam: a shell of cortex around spongy bone, by outline and depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_zoo.phantom.anatomy import BoneKind
from models_zoo.phantom.pose import FILM_MM, Bone
from models_zoo.phantom.splines import Points

CORTEX_PER_MM = 0.094
SPONGY_PER_MM = 0.027
# Marrow fills the shafts: this share of spongy bone is missing in their middle.
HOLLOW = 0.75
# Spongy bone is denser below a joint, and fades over this distance.
JOINT_DENSITY = 0.55
JOINT_DEPTH_MM = 2.2


@dataclass(frozen=True, slots=True)
class Matter:
    """Build of a kind of bone in mm: depth along the beam, cortex of the shaft and of the ends."""

    depth_mm: float
    shaft_mm: float
    shell_mm: float


MATTER: Mapping[BoneKind, Matter] = {
    "metacarpal": Matter(11.0, 1.9, 0.55),
    "thumb metacarpal": Matter(12.0, 2.1, 0.55),
    "proximal": Matter(9.5, 1.6, 0.50),
    "middle": Matter(8.0, 1.3, 0.45),
    "distal": Matter(5.5, 1.1, 0.45),
    "carpal": Matter(14.0, 0.55, 0.55),
    "forearm": Matter(14.0, 2.7, 0.80),
}


def add_bone(
    total: NDArray[np.float32],
    polygon_px: NDArray[np.int32],
    bone: Bone,
    texture: NDArray[np.float32],
    density: float,
) -> None:
    """Add a bone's attenuation to `total` (size, size); outside of its polygon it adds nothing.

    `texture` (size, size) is the local excess of spongy bone around 0; `density` scales cortex.
    """
    size = total.shape[0]
    box, inside = _drawn(polygon_px, size)
    mm_per_px = FILM_MM / size
    edge_px = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    edge_mm = np.maximum(edge_px - 0.5, 0.0).astype(np.float32) * np.float32(mm_per_px)
    along_mm, length_mm = _along(bone.axis_mm, box, size)
    matter = MATTER[bone.kind]
    shaft = np.zeros_like(edge_mm) if bone.kind == "carpal" else _shaft(along_mm / length_mm)
    cortex_mm = density * (matter.shell_mm + (matter.shaft_mm - matter.shell_mm) * shaft)
    whole_mm = _chord(edge_mm, matter.depth_mm / 2.0)
    inner_mm = _chord(edge_mm - cortex_mm, matter.depth_mm / 2.0 - cortex_mm)
    from_joint = np.minimum(np.abs(along_mm), np.abs(length_mm - along_mm)) / JOINT_DEPTH_MM
    spongy = SPONGY_PER_MM * (1.0 - HOLLOW * shaft) * (1.0 + JOINT_DENSITY * np.exp(-from_joint))
    grain = 1.0 + texture[box] * (1.0 - 0.6 * shaft)
    shadow = CORTEX_PER_MM * (whole_mm - inner_mm) + spongy * grain * inner_mm
    total[box] += (shadow * inside).astype(np.float32)


def _drawn(
    polygon_px: NDArray[np.int32], size: int
) -> tuple[tuple[slice, slice], NDArray[np.uint8]]:
    """The polygon filled within its own box, with a margin of one pixel where the film has one."""
    x0, y0 = np.maximum(polygon_px.min(axis=0) - 1, 0)
    x1, y1 = np.minimum(polygon_px.max(axis=0) + 2, size)
    inside = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(inside, [polygon_px - np.array([x0, y0], np.int32)], 1)
    return (slice(int(y0), int(y1)), slice(int(x0), int(x1))), inside


def _along(
    axis_mm: Points, box: tuple[slice, slice], size: int
) -> tuple[NDArray[np.float32], float]:
    """Distance in mm of the box's pixels from the bone's base along its axis, and its length."""
    base, tip = axis_mm
    length_mm = float(np.linalg.norm(tip - base))
    ahead = (tip - base) / length_mm
    x_mm = (np.arange(box[1].start, box[1].stop) + 0.5) * FILM_MM / size - base[0]
    y_mm = (np.arange(box[0].start, box[0].stop) + 0.5) * FILM_MM / size - base[1]
    along = y_mm[:, None] * ahead[1] + x_mm[None, :] * ahead[0]
    return along.astype(np.float32), length_mm


def _shaft(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 in the middle of a long bone's length, 0 at its ends."""
    rise = np.clip((share - 0.10) / 0.26, 0.0, 1.0)
    fall = np.clip((0.90 - share) / 0.24, 0.0, 1.0)
    return np.asarray(rise * rise * (3 - 2 * rise) * fall * fall * (3 - 2 * fall), np.float32)


def _chord(
    edge_mm: NDArray[np.float32], radius_mm: float | NDArray[np.float32]
) -> NDArray[np.float32]:
    """Way through a body with round borders, from the distance to its edge; 0 outside of it."""
    short = radius_mm - np.clip(edge_mm, 0.0, radius_mm)
    square = np.maximum(radius_mm * radius_mm - short * short, 0.0)
    return np.asarray(2.0 * np.sqrt(square), np.float32)
