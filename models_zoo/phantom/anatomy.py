"""The bones of an average right hand, seen from its back, thumb on the left: outlines in mm.

Carpals and forearm lie in the hand frame: origin in the middle of the capitate, x to the little
finger, y to the elbow. Long bones lie in their own frame: base at the origin, tip up (negative y).
Sizes follow radiographic means of adults (Garrett, Anthropometry of the hand, 1971; Aydinlioglu et
al., 1998), placed so that areas at 2048 x 2048 are those of the contest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models_zoo.phantom.splines import Points

LongBoneKind = Literal["metacarpal", "thumb metacarpal", "proximal", "middle", "distal"]
BoneKind = LongBoneKind | Literal["carpal", "forearm"]

# Half outlines from the middle of the base to the middle of the tip, in rows (x, along, across):
# the point lies x * width beside and along * length + across * width above the base.
HALF_OUTLINES: dict[LongBoneKind, tuple[tuple[float, float, float], ...]] = {
    "metacarpal": (
        (0.00, 0.00, 0.03),
        (0.26, 0.00, 0.00),
        (0.45, 0.00, 0.10),
        (0.50, 0.00, 0.32),
        (0.40, 0.00, 0.74),
        (0.31, 0.30, 0.20),
        (0.285, 0.52, 0.00),
        (0.34, 0.80, -0.20),
        (0.42, 1.00, -1.00),
        (0.49, 1.00, -0.74),
        (0.475, 1.00, -0.48),
        (0.44, 1.00, -0.27),
        (0.29, 1.00, -0.06),
        (0.00, 1.00, 0.00),
    ),
    "thumb metacarpal": (
        (0.00, 0.00, 0.05),
        (0.30, 0.00, 0.00),
        (0.49, 0.00, 0.12),
        (0.48, 0.00, 0.36),
        (0.36, 0.20, 0.26),
        (0.31, 0.50, 0.00),
        (0.35, 0.78, -0.10),
        (0.46, 1.00, -0.58),
        (0.47, 1.00, -0.32),
        (0.36, 1.00, -0.08),
        (0.00, 1.00, 0.00),
    ),
    "proximal": (
        (0.00, 0.00, 0.08),
        (0.25, 0.00, 0.04),
        (0.44, 0.00, -0.01),
        (0.50, 0.00, 0.12),
        (0.48, 0.00, 0.32),
        (0.38, 0.12, 0.36),
        (0.31, 0.45, 0.10),
        (0.29, 0.70, 0.00),
        (0.33, 1.00, -0.68),
        (0.385, 1.00, -0.42),
        (0.375, 1.00, -0.18),
        (0.24, 1.00, 0.00),
        (0.00, 1.00, -0.06),
    ),
    "middle": (
        (0.00, 0.00, -0.01),
        (0.24, 0.00, 0.06),
        (0.43, 0.00, -0.01),
        (0.50, 0.00, 0.14),
        (0.46, 0.00, 0.36),
        (0.34, 0.22, 0.36),
        (0.29, 0.55, 0.06),
        (0.31, 0.85, -0.24),
        (0.38, 1.00, -0.38),
        (0.38, 1.00, -0.16),
        (0.26, 1.00, 0.00),
        (0.00, 1.00, -0.06),
    ),
    "distal": (
        (0.00, 0.00, -0.01),
        (0.26, 0.00, 0.05),
        (0.44, 0.00, 0.00),
        (0.50, 0.00, 0.14),
        (0.44, 0.00, 0.34),
        (0.27, 0.30, 0.16),
        (0.205, 0.60, 0.00),
        (0.26, 0.78, 0.00),
        (0.33, 0.88, 0.00),
        (0.30, 0.95, 0.00),
        (0.17, 1.00, -0.01),
        (0.00, 1.00, 0.00),
    ),
}


@dataclass(frozen=True, slots=True)
class LongBone:
    """A bone of a digit: class name, kind, and length and greatest width in mm."""

    name: str
    kind: LongBoneKind
    length_mm: float
    width_mm: float


@dataclass(frozen=True, slots=True)
class Digit:
    """A ray of the hand from its metacarpal outwards.

    `root_mm` is the middle of the metacarpal's base in the hand frame; `angles_deg` are the resting
    directions of its bones, 0 along the forearm, negative to the thumb.
    """

    root_mm: tuple[float, float]
    angles_deg: tuple[float, ...]
    bones: tuple[LongBone, ...]


# Numbered finger by finger, each from its tip: thumb 1-3, index 4-7, middle 8-11, ring 12-15,
# little 16-19. The little finger's distal phalanx, finger-16, is the smallest bone.
DIGITS: tuple[Digit, ...] = (
    Digit(
        (-25.8, -10.2),
        (-41.0, -30.0, -22.0),
        (
            LongBone("finger-3", "thumb metacarpal", 45.0, 15.0),
            LongBone("finger-2", "proximal", 31.0, 14.6),
            LongBone("finger-1", "distal", 22.5, 13.0),
        ),
    ),
    Digit(
        (-12.0, -11.7),
        (-7.5, -9.5, -9.0, -8.0),
        (
            LongBone("finger-7", "metacarpal", 68.0, 15.4),
            LongBone("finger-6", "proximal", 40.0, 15.2),
            LongBone("finger-5", "middle", 24.0, 12.8),
            LongBone("finger-4", "distal", 16.8, 10.8),
        ),
    ),
    Digit(
        (0.4, -12.2),
        (0.0, -1.0, -1.0, 0.0),
        (
            LongBone("finger-11", "metacarpal", 65.0, 14.8),
            LongBone("finger-10", "proximal", 44.5, 15.2),
            LongBone("finger-9", "middle", 28.5, 13.2),
            LongBone("finger-8", "distal", 18.0, 11.2),
        ),
    ),
    Digit(
        (11.2, -10.4),
        (6.5, 7.0, 6.0, 5.0),
        (
            LongBone("finger-15", "metacarpal", 58.0, 12.9),
            LongBone("finger-14", "proximal", 41.5, 14.2),
            LongBone("finger-13", "middle", 27.0, 12.4),
            LongBone("finger-12", "distal", 18.0, 10.8),
        ),
    ),
    Digit(
        (18.9, -6.7),
        (15.0, 19.0, 17.0, 14.0),
        (
            LongBone("finger-19", "metacarpal", 53.0, 12.4),
            LongBone("finger-18", "proximal", 33.5, 12.6),
            LongBone("finger-17", "middle", 19.5, 10.8),
            LongBone("finger-16", "distal", 15.8, 9.2),
        ),
    ),
)

DISTAL_ROW: dict[str, tuple[tuple[float, float], ...]] = {
    "Trapezium": (
        *((-9.4, -6.0), (-12.4, -9.8), (-17.8, -11.6), (-21.6, -9.6), (-25.4, -7.2)),
        *((-28.2, -3.2), (-26.6, 1.2), (-22.4, 3.4), (-16.8, 3.6), (-11.6, 1.6), (-9.2, -2.2)),
    ),
    "Trapezoid": (
        *((-7.2, -11.4), (-11.0, -13.6), (-15.0, -12.2), (-16.4, -8.4), (-15.4, -3.4)),
        *((-13.2, 0.6), (-9.6, 2.0), (-6.9, 0.2), (-5.8, -5.4)),
    ),
    "Capitate": (
        *((-6.8, -12.0), (-3.4, -13.6), (1.2, -13.7), (5.6, -13.2), (7.6, -11.0), (7.4, -5.0)),
        *((7.1, 1.0), (7.2, 6.4), (5.6, 11.2), (1.0, 13.3), (-3.8, 12.2), (-6.5, 8.4)),
        *((-6.3, 4.2), (-5.6, 0.0), (-5.4, -4.4), (-6.6, -8.6)),
    ),
    "Hamate": (
        *((6.2, -10.8), (10.6, -12.2), (14.6, -11.2), (18.4, -8.8), (22.4, -6.8), (23.4, -3.8)),
        *((20.8, -0.4), (17.0, 2.6), (13.4, 6.2), (10.4, 10.0), (7.6, 10.8), (6.2, 7.4)),
        *((5.7, 1.4), (5.6, -5.4)),
    ),
}

PROXIMAL_ROW: dict[str, tuple[tuple[float, float], ...]] = {
    "Scaphoid": (
        *((-22.0, 5.0), (-19.0, 1.8), (-13.6, 0.8), (-8.6, 2.2), (-6.6, 6.2), (-6.4, 10.4)),
        *((-5.8, 14.4), (-6.2, 18.4), (-9.4, 21.0), (-13.8, 19.4), (-17.2, 15.6), (-19.4, 12.0)),
        *((-21.6, 9.0),),
    ),
    "Lunate": (
        *((-6.2, 12.4), (-3.0, 12.6), (0.8, 13.0), (4.4, 12.2), (7.4, 10.4), (9.6, 12.6)),
        *((9.3, 17.2), (7.8, 21.8), (3.8, 24.6), (-1.6, 24.5), (-5.6, 22.2), (-7.2, 17.4)),
    ),
    "Triquetrum": (
        *((9.8, 13.0), (11.6, 10.2), (14.4, 6.8), (18.0, 3.4), (21.6, 1.6), (23.8, 3.6)),
        *((23.8, 8.6), (22.0, 13.6), (18.0, 17.4), (13.4, 18.6), (10.2, 16.8)),
    ),
    "Pisiform": (
        *((18.6, 2.8), (22.2, 3.4), (24.6, 6.4), (25.0, 10.6), (23.2, 14.4), (19.8, 16.0)),
        *((16.2, 14.8), (14.2, 11.4), (14.2, 7.4), (15.8, 4.2)),
    ),
}

FOREARM: dict[str, tuple[tuple[float, float], ...]] = {
    "Radius": (
        *((-23.4, 12.8), (-20.6, 14.6), (-17.0, 18.0), (-12.4, 21.0), (-8.0, 22.8), (-3.0, 24.2)),
        *((2.0, 24.8), (6.6, 25.0), (9.0, 26.8), (8.8, 30.0), (8.4, 34.0), (6.6, 41.0)),
        *((4.0, 50.0), (2.2, 62.0), (1.2, 84.0), (0.8, 110.0), (1.2, 150.0), (1.4, 200.0)),
        *((-15.0, 200.0), (-15.2, 150.0), (-14.8, 110.0), (-15.2, 84.0), (-16.0, 62.0)),
        *((-17.6, 52.0), (-20.6, 43.0), (-23.6, 34.0), (-25.4, 26.0), (-25.8, 19.0)),
        *((-25.0, 14.2),),
    ),
    "Ulna": (
        *((10.6, 31.6), (11.4, 28.6), (13.8, 26.8), (17.2, 26.4), (20.2, 27.0), (21.8, 25.4)),
        *((22.6, 22.6), (24.0, 21.4), (25.2, 23.2), (25.8, 27.2), (25.6, 32.0), (24.6, 38.0)),
        *((23.4, 46.0),),
        *((23.0, 56.0), (23.4, 80.0), (24.2, 110.0), (25.0, 150.0), (26.0, 200.0)),
        *((14.0, 200.0), (13.4, 150.0), (12.8, 110.0), (12.4, 80.0), (12.6, 56.0)),
        *((12.9, 46.0), (12.4, 40.0), (11.2, 35.6)),
    ),
}


def long_bone_control(kind: LongBoneKind, length_mm: float, width_mm: float) -> Points:
    """Control points (n, 2) in mm of a long bone's outline in its own frame, from its base."""
    x, along, across = np.array(HALF_OUTLINES[kind]).T
    right = np.stack([x * width_mm, -(along * length_mm + across * width_mm)], axis=1)
    left = right[-2:0:-1] * np.array([-1.0, 1.0])
    return np.concatenate([right, left])
