from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.classes import HAND_BONES
from models_zoo.phantom.person import draw_person, draw_skeleton
from models_zoo.phantom.plan import Shot, plan_shots, stream
from models_zoo.phantom.pose import FILM_MM, Hand, Pose, place_hand
from models_zoo.phantom.scene import draw_scene, label_polygons, render_scene

SHOTS = plan_shots(60, 512, 0)
STRAIGHT = tuple(tuple(0.0 for _ in range(4)) for _ in range(5))


def masks_of(hand: Hand, size: int) -> NDArray[np.uint8]:
    """(29, size, size), filled as the contest fills its labels."""
    masks = np.zeros((len(HAND_BONES), size, size), np.uint8)
    for mask, polygon in zip(masks, label_polygons(hand, size).values(), strict=True):
        cv2.fillPoly(mask, [polygon], 1)
    return masks


def hand_of(shot: Shot) -> Hand:
    return draw_scene(shot, 0).hand


@pytest.mark.parametrize("size", [64, 100, 512])
@pytest.mark.parametrize("shot", SHOTS[::6], ids=lambda shot: shot.stem)
def test_every_class_is_in_every_image(shot: Shot, size: int) -> None:
    assert masks_of(hand_of(shot), size).any(axis=(1, 2)).all()


@pytest.mark.parametrize("shot", SHOTS[::4], ids=lambda shot: shot.stem)
def test_areas_and_overlaps_are_those_of_the_contest(shot: Shot) -> None:
    masks = masks_of(hand_of(shot), 1024)
    areas_px = dict(zip(HAND_BONES.names, masks.sum(axis=(1, 2), dtype=np.int64) * 4, strict=True))
    assert min(areas_px, key=areas_px.__getitem__) == "finger-16"
    assert max(areas_px, key=areas_px.__getitem__) == "Radius"
    assert 2900 < areas_px["finger-16"] < 5300
    assert 50_000 < areas_px["Radius"] < 100_000
    assert 0.002 < np.mean(masks.sum(axis=0) > 1) < 0.008
    pisiform, triquetrum = (masks[HAND_BONES.index(name)] for name in ("Pisiform", "Triquetrum"))
    assert (pisiform & triquetrum).sum() > 0.5 * pisiform.sum()
    trapezium, trapezoid = (masks[HAND_BONES.index(name)] for name in ("Trapezium", "Trapezoid"))
    assert (trapezium & trapezoid).sum() > 0.15 * trapezoid.sum()


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.stem)
def test_only_the_forearm_reaches_the_border_of_the_film(shot: Shot) -> None:
    for bone in hand_of(shot).bones:
        low, high = bone.outline_mm.min(axis=0), bone.outline_mm.max(axis=0)
        if bone.kind == "forearm":
            assert high[1] == FILM_MM
        else:
            assert high[1] < FILM_MM - 20.0
        assert low.min() > 5.0
        assert high[0] < FILM_MM - 5.0


def test_the_left_hand_is_the_mirror_image_of_the_right_one() -> None:
    skeleton = draw_skeleton(draw_person(stream(0, 9)), stream(0, 8))
    right, left = (
        masks_of(place_hand(skeleton, Pose(side, 25.0, -5.0, STRAIGHT, (3.0, 4.0))), 256)
        for side in ("R", "L")
    )
    differing = np.mean(right != left[:, :, ::-1], axis=(1, 2)) / np.mean(right, axis=(1, 2))
    assert differing.max() < 0.05  # a half pixel may round either way


def test_two_hands_of_a_person_have_the_same_bones() -> None:
    first, second = (hand_of(shot) for shot in SHOTS[:2])
    assert first.side != second.side
    for one, other in zip(first.bones, second.bones, strict=True):
        lengths_mm = [np.linalg.norm(np.diff(bone.axis_mm, axis=0)) for bone in (one, other)]
        assert lengths_mm[0] == pytest.approx(lengths_mm[1])


def test_a_bent_wrist_turns_the_hand_against_the_forearm() -> None:
    for shot in SHOTS:
        hand = hand_of(shot)
        metacarpal = hand.rays_mm[2][1] - hand.rays_mm[2][0]
        forearm = hand.forearm_mm[0] - hand.forearm_mm[1]
        cos = metacarpal @ forearm / np.linalg.norm(metacarpal) / np.linalg.norm(forearm)
        angle_deg = np.rad2deg(np.arccos(cos))
        assert (angle_deg > 15.0) == shot.bent


@pytest.mark.parametrize("size", [64, 300, 1024])
def test_bones_are_brighter_than_flesh_and_flesh_than_air(size: int) -> None:
    scene = draw_scene(SHOTS[0], 0)
    polygons = label_polygons(scene.hand, size)
    image = render_scene(scene, polygons, size, stream(0, 7))
    assert image.shape == (size, size)
    assert image.dtype == np.uint8
    bone = masks_of(scene.hand, size).any(axis=0)
    near = cv2.dilate(bone.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=size // 64) > 0
    assert image[bone].mean() > image[near & ~bone].mean() + 20
    assert image[near & ~bone].mean() > image[: size // 40].mean() + 20


def test_another_size_shows_the_same_scene() -> None:
    scene = draw_scene(SHOTS[2], 0)
    small, large = (
        render_scene(scene, label_polygons(scene.hand, size), size, stream(0, 7))
        for size in (256, 1024)
    )
    reduced = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.mean(np.abs(reduced.astype(float) - small)) < 4.0
