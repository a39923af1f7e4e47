"""A made-up person and the skeleton of the right hand that comes with height, sex and chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models_zoo.phantom.anatomy import (
    DIGITS,
    DISTAL_ROW,
    FOREARM,
    PROXIMAL_ROW,
    Digit,
    LongBone,
    long_bone_control,
)
from models_zoo.phantom.splines import Points

Sex = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class Person:
    """Who is X-rayed: what the sheet of persons says and what the hand's size follows."""

    age_years: int
    sex: Sex
    weight_kg: float
    height_cm: float


@dataclass(frozen=True, slots=True)
class Body:
    """Size of a hand, thickness of its flesh and of its cortex; 1 is the average of `anatomy`."""

    scale: float
    flesh: float
    density: float


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A person's right hand: digits, and control points in mm of every outline by class name.

    Long bones lie in their own frames, carpals and forearm in the hand frame (see `anatomy`).
    """

    digits: tuple[Digit, ...]
    outlines: Mapping[str, Points]
    body: Body


def draw_person(generator: np.random.Generator) -> Person:
    """An adult with plausible height and weight for the sex."""
    sex: Sex = "male" if generator.random() < 0.5 else "female"
    mean_cm, spread_cm = (173.0, 5.5) if sex == "male" else (160.5, 5.0)
    height_cm = float(np.clip(generator.normal(mean_cm, spread_cm), 147.0, 188.0))
    bmi = float(np.clip(generator.normal(23.2, 2.8), 17.5, 33.0))
    return Person(
        age_years=int(generator.integers(19, 76)),
        sex=sex,
        weight_kg=round(bmi * (height_cm / 100.0) ** 2, 1),
        height_cm=round(height_cm, 1),
    )


def person_body(person: Person) -> Body:
    """Hands grow slower than bodies, flesh with body mass; cortex thins from fifty on."""
    female = person.sex == "female"
    bmi = person.weight_kg / (person.height_cm / 100.0) ** 2
    scale = (person.height_cm / 172.0) ** 0.75 * (0.975 if female else 1.0)
    loss = (0.007 if female else 0.004) * max(0, person.age_years - 50)
    flesh = min(1.25, max(0.85, (bmi / 23.0) ** 0.5))
    return Body(scale=float(scale), flesh=float(flesh), density=1.0 - loss)


def draw_skeleton(person: Person, generator: np.random.Generator) -> Skeleton:
    """The person's bones: overall size, proportions, and the shape of each outline."""
    body = person_body(person)
    girth = generator.normal(1.0, 0.025)
    digits = tuple(_draw_digit(digit, body.scale, girth, generator) for digit in DIGITS)
    outlines = {
        bone.name: _wobble(
            long_bone_control(bone.kind, bone.length_mm, bone.width_mm), 0.10, generator
        )
        for digit in digits
        for bone in digit.bones
    }
    for name, control in (DISTAL_ROW | PROXIMAL_ROW | FOREARM).items():
        outlines[name] = _wobble(np.array(control) * body.scale, 0.22, generator)
    return Skeleton(digits, outlines, body)


def _draw_digit(digit: Digit, scale: float, girth: float, generator: np.random.Generator) -> Digit:
    stretch = scale * generator.normal(1.0, 0.018)
    bones = tuple(
        LongBone(
            bone.name,
            bone.kind,
            bone.length_mm * stretch * generator.normal(1.0, 0.012),
            bone.width_mm * scale * girth * generator.normal(1.0, 0.012),
        )
        for bone in digit.bones
    )
    x, y = digit.root_mm
    return Digit((x * scale, y * scale), digit.angles_deg, bones)


def _wobble(control: Points, sigma_mm: float, generator: np.random.Generator) -> Points:
    """Move control points together with their neighbours, so that the outline stays smooth."""
    noise = generator.normal(0.0, sigma_mm, control.shape)
    return control + (np.roll(noise, 1, axis=0) + 2.0 * noise + np.roll(noise, -1, axis=0)) / 2.5
