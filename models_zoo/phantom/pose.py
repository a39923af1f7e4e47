"""Where a hand lies on the film: a skeleton and a pose become bones in film coordinates.

The film is a square of FILM_MM, origin in its upper left corner, y down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from models_zoo.phantom.anatomy import DISTAL_ROW, FOREARM, PROXIMAL_ROW, BoneKind, Digit
from models_zoo.phantom.person import Body, Skeleton
from models_zoo.phantom.splines import Points, closed_curve, cut_below, direction, rotate

FILM_MM = 300.0
SAMPLES_PER_CONTROL = 5
JOINT_GAP_MM = 1.1
# The hand turns about the capitate's head; the proximal carpal row follows by about half.
WRIST_PIVOT_MM = (0.5, 8.0)
PROXIMAL_ROW_SHARE = 0.5
TOP_MARGIN_MM = 12.0

Side = Literal["R", "L"]


@dataclass(frozen=True, slots=True)
class Pose:
    """How a hand is held: angles in degrees, as of a right hand with its thumb on the left.

    `bend_deg` turns the hand against the forearm, negative to the thumb; `forearm_deg` turns the
    whole arm; `finger_deg` is added to the resting directions of (5 digits, 4 bones).
    `shift_mm` moves the hand from its place in the middle of the film.
    """

    side: Side
    bend_deg: float
    forearm_deg: float
    finger_deg: tuple[tuple[float, ...], ...]
    shift_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bone:
    """A bone on the film: class name, outline (n, 2) in mm, and its axis (2, 2) from base to tip.

    The axis is that of the long bones; of the forearm's bones it ends at the wrist.
    """

    name: str
    kind: BoneKind
    outline_mm: Points
    axis_mm: Points


@dataclass(frozen=True, slots=True)
class Hand:
    """All 29 bones on the film, and the joints that carry the soft tissue.

    `rays_mm` holds for each digit its joints (k, 2) from the metacarpal's base to the tip;
    `forearm_mm` (2, 2) runs along the forearm's middle, from the wrist outwards.
    """

    side: Side
    bones: tuple[Bone, ...]
    rays_mm: tuple[Points, ...]
    forearm_mm: Points
    body: Body


def draw_habit(generator: np.random.Generator) -> Points:
    """How a person holds the fingers, as degrees (5, 4) to be added to the resting directions."""
    spread = generator.uniform(-0.45, 0.75)
    fan = spread * np.array([0.0, -9.0, -1.0, 7.0, 16.0])[:, None]
    stiff = np.array([0.35, 1.0, 1.0, 1.0])[None, :]
    thumb = np.zeros((5, 4))
    thumb[0] = generator.normal(0.0, 6.0) + generator.normal(0.0, 4.0, 4)
    crooked = generator.normal(0.0, (0.6, 1.5, 2.0, 2.5), (5, 4))
    return np.asarray(fan * stiff + thumb + crooked, np.float64)


def draw_pose(side: Side, *, bent: bool, habit: Points, generator: np.random.Generator) -> Pose:
    """One exposure of a person's hand: close to the habit, straight or with a bent wrist."""
    bend_deg = _draw_bend(bent, generator)
    finger_deg = habit + generator.normal(0.0, (0.4, 1.0, 1.0, 1.2), (5, 4))
    return Pose(
        side=side,
        bend_deg=bend_deg,
        forearm_deg=float(generator.normal(0.0, 3.0) - 0.30 * bend_deg),
        finger_deg=tuple(tuple(float(angle) for angle in row) for row in finger_deg),
        shift_mm=(float(generator.uniform(-8.0, 8.0)), float(generator.uniform(0.0, 14.0))),
    )


def _draw_bend(bent: bool, generator: np.random.Generator) -> float:
    """Straight wrists vary a little; bent ones by 20 to 45 degrees, less far to the thumb."""
    if not bent:
        return float(np.clip(generator.normal(0.0, 3.0), -8.0, 8.0))
    if generator.random() < 0.35:
        return float(-generator.uniform(20.0, 34.0))
    return float(generator.uniform(20.0, 45.0))


def place_hand(skeleton: Skeleton, pose: Pose) -> Hand:
    """Put a right-hand skeleton on the film in `pose`, mirrored for a left hand."""
    bones, rays = _assemble(skeleton, pose)
    forearm = rotate(
        np.array([[0.0, 24.0], [4.0, 150.0]]) * skeleton.body.scale,
        pose.forearm_deg,
        _pivot(skeleton),
    )
    shift = _film_shift(rays, pose)
    hand = Hand(
        side=pose.side,
        bones=tuple(_moved(bone, shift) for bone in bones),
        rays_mm=tuple(ray + shift for ray in rays),
        forearm_mm=forearm + shift,
        body=skeleton.body,
    )
    return _mirrored(hand) if pose.side == "L" else hand


def _pivot(skeleton: Skeleton) -> Points:
    x, y = WRIST_PIVOT_MM
    return np.array([x * skeleton.body.scale, y * skeleton.body.scale])


def _assemble(skeleton: Skeleton, pose: Pose) -> tuple[list[Bone], list[Points]]:
    """Bones and rays in the hand frame, after bending the wrist and turning the arm."""
    hand_deg = pose.forearm_deg + pose.bend_deg
    row_deg = pose.forearm_deg + PROXIMAL_ROW_SHARE * pose.bend_deg
    bones: list[Bone] = []
    rays: list[Points] = []
    for digit, added_deg in zip(skeleton.digits, pose.finger_deg, strict=True):
        root = rotate(np.array(digit.root_mm), hand_deg, _pivot(skeleton))
        angles_deg = hand_deg + np.array(digit.angles_deg) + added_deg[: len(digit.bones)]
        digit_bones = _chain(skeleton, digit, root, angles_deg)
        bones += digit_bones
        rays.append(np.stack([root, *(bone.axis_mm[1] for bone in digit_bones)]))
    bones += [_turned(skeleton, name, "carpal", hand_deg) for name in DISTAL_ROW]
    bones += [_turned(skeleton, name, "carpal", row_deg) for name in PROXIMAL_ROW]
    bones += [_turned(skeleton, name, "forearm", pose.forearm_deg) for name in FOREARM]
    return bones, rays


def _chain(skeleton: Skeleton, digit: Digit, root: Points, angles_deg: Points) -> list[Bone]:
    """The bones of a digit, each from the tip of the one before it."""
    bones = []
    base = root
    for bone, angle_deg in zip(digit.bones, angles_deg, strict=True):
        tip = base + bone.length_mm * direction(angle_deg)
        control = rotate(skeleton.outlines[bone.name], angle_deg, np.zeros(2)) + base
        bones.append(_bone(bone.name, bone.kind, control, np.stack([base, tip])))
        base = tip + JOINT_GAP_MM * direction(angle_deg)
    return bones


def _turned(skeleton: Skeleton, name: str, kind: BoneKind, angle_deg: float) -> Bone:
    """A bone of wrist or forearm, turned about the pivot of the wrist."""
    resting = skeleton.outlines[name]
    top = resting[np.argmin(resting[:, 1])]
    axis = np.stack([[top[0], resting[:, 1].max()], top])
    pivot = _pivot(skeleton)
    return _bone(name, kind, rotate(resting, angle_deg, pivot), rotate(axis, angle_deg, pivot))


def _bone(name: str, kind: BoneKind, control: Points, axis: Points) -> Bone:
    return Bone(name, kind, closed_curve(control, SAMPLES_PER_CONTROL), axis)


def _film_shift(rays: list[Points], pose: Pose) -> Points:
    """Middle of the hand over the middle of the film, fingertips a margin below its upper edge."""
    joints = np.concatenate(rays)
    low, high = joints.min(axis=0), joints.max(axis=0)
    middle_x = (low[0] + high[0]) / 2.0
    free_mm = max(0.0, FILM_MM - (high[0] - low[0]) - 2.0 * TOP_MARGIN_MM) / 2.0
    shift_x = np.clip(pose.shift_mm[0], -free_mm, free_mm)
    wrist_y = max(196.0, TOP_MARGIN_MM - low[1]) + pose.shift_mm[1]
    return np.array([FILM_MM / 2.0 - middle_x + shift_x, wrist_y])


def _moved(bone: Bone, shift: Points) -> Bone:
    outline = cut_below(bone.outline_mm + shift, FILM_MM)
    return replace(bone, outline_mm=outline, axis_mm=bone.axis_mm + shift)


def _mirrored(hand: Hand) -> Hand:
    return replace(
        hand,
        bones=tuple(
            replace(bone, outline_mm=_flip(bone.outline_mm), axis_mm=_flip(bone.axis_mm))
            for bone in hand.bones
        ),
        rays_mm=tuple(_flip(ray) for ray in hand.rays_mm),
        forearm_mm=_flip(hand.forearm_mm),
    )


def _flip(points: Points) -> Points:
    return np.stack([FILM_MM - points[:, 0], points[:, 1]], axis=1)
