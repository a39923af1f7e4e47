"""One planned image, drawn: the person, the hand on the film, its label polygons, its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.classes import HAND_BONES
from models_zoo.phantom.person import Person, draw_person, draw_skeleton
from models_zoo.phantom.plan import HAND_STREAM, PERSON_STREAM, Shot, stream
from models_zoo.phantom.pose import FILM_MM, Hand, draw_habit, draw_pose, place_hand
from models_zoo.phantom.radiograph import Exposure, draw_exposure, render_radiograph
from models_zoo.phantom.splines import Points

# Streams of a hand, one a purpose, so that pixels never change the geometry.
POSE, EXPOSURE, PIXELS, LABEL = range(4)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is on the film and how it is exposed; independent of the image's size."""

    hand: Hand
    exposure: Exposure


def planned_person(person: int, seed: int) -> Person:
    """The same person whichever of the two hands is drawn."""
    return draw_person(stream(seed, PERSON_STREAM, person, 0))


def draw_scene(shot: Shot, seed: int) -> Scene:
    """The scene of a planned image."""
    person = planned_person(shot.person, seed)
    skeleton = draw_skeleton(person, stream(seed, PERSON_STREAM, shot.person, 1))
    habit = draw_habit(stream(seed, PERSON_STREAM, shot.person, 2))
    pose = draw_pose(
        shot.side,
        bent=shot.bent,
        habit=habit,
        generator=stream(seed, HAND_STREAM, shot.number, POSE),
    )
    exposure = draw_exposure(stream(seed, HAND_STREAM, shot.number, EXPOSURE))
    return Scene(place_hand(skeleton, pose), exposure)


def label_polygons(hand: Hand, size: int) -> dict[str, NDArray[np.int32]]:
    """The label at a size: whole-pixel polygons (n, 2) by class name, in the order of the classes.

    Filled with cv2.fillPoly they are the mask; points that fall together are left out.
    """
    outlines = {bone.name: bone.outline_mm for bone in hand.bones}
    return {name: _polygon_px(outlines[name], size) for name in HAND_BONES.names}


def _polygon_px(outline_mm: Points, size: int) -> NDArray[np.int32]:
    """Nearest pixels of an outline, without repeats, but never fewer than three points."""
    pixels = np.rint(outline_mm * (size / FILM_MM) - 0.5).clip(0, size - 1).astype(np.int32)
    fresh = np.any(pixels != np.roll(pixels, 1, axis=0), axis=1)
    return pixels[fresh] if np.count_nonzero(fresh) >= 3 else pixels


def render_scene(
    scene: Scene, polygons_px: dict[str, NDArray[np.int32]], size: int, pixels: np.random.Generator
) -> NDArray[np.uint8]:
    """The radiograph (size, size); `pixels` draws texture and noise."""
    return render_radiograph(
        scene.hand,
        polygons_px,
        scene.exposure,
        size=size,
        generator=pixels,
    )
