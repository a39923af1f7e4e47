"""Who is X-rayed, in which part of the data set, and which wrists are bent: all before any drawing.

Every person and every hand has a random stream of its own (SeedSequence with a spawn key), so that
an image is the same whatever is drawn before it, beside it, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ensemble.errors import ConfigError
from models_zoo.phantom.pose import Side

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")

MIN_IMAGES = 6
MIN_SIZE, MAX_SIZE = 64, 4096
HELD_OUT_SHARE = 0.2
BENT_SHARES: dict[Part, float] = {"train": 0.11, "val": 0.11, "test": 0.57}
SUFFIX_SHARE = 0.2
FIRST_STAMP_MS = 1_661_130_000_000
BETWEEN_STAMPS_MS = 95_000

# First elements of spawn keys: one kind of stream each.
PLAN_STREAM, PERSON_STREAM, HAND_STREAM, SHEET_STREAM = range(4)


@dataclass(frozen=True, slots=True)
class Shot:
    """One image to be made; `number` and `person` count from 0 over the data set."""

    number: int
    person: int
    side: Side
    part: Part
    stem: str
    bent: bool

    @property
    def person_id(self) -> str:
        """Folder name and row of the sheet."""
        return person_id(self.person)


def person_id(person: int) -> str:
    """ID001 for person 0."""
    return f"ID{person + 1:03d}"


def stream(seed: int, *key: int) -> np.random.Generator:
    """The random stream of one thing in the data set."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def plan_shots(images: int, size: int, seed: int) -> tuple[Shot, ...]:
    """Every image of a data set in order of persons, two hands each (an odd last one: one hand).

    Persons are dealt 60/20/20 into train, val and test, at least one each; bent wrists are dealt
    within a part to the nearest whole image. Raises ConfigError for numbers that cannot be met.
    """
    _refuse_faults(
        [
            *_faults("images", images, MIN_IMAGES, None),
            *_faults("size", size, MIN_SIZE, MAX_SIZE),
            *_faults("seed", seed, 0, None),
        ]
    )
    generator = stream(seed, PLAN_STREAM)
    persons = (images + 1) // 2
    parts = _deal_parts(persons, generator)
    part_of_shot = [parts[number // 2] for number in range(images)]
    bent = _deal_bent(part_of_shot, generator)
    named = generator.random(persons) < SUFFIX_SHARE
    first = generator.integers(0, 2, persons)
    stamps = np.arange(images) * BETWEEN_STAMPS_MS + generator.integers(0, 90_000, images)
    shots = []
    for number in range(images):
        person = number // 2
        side: Side = "R" if (number + first[person]) % 2 else "L"
        suffix = f"_{side}" if named[person] else ""
        stem = f"image{FIRST_STAMP_MS + int(stamps[number])}{suffix}"
        shots.append(Shot(number, person, side, part_of_shot[number], stem, number in bent))
    return tuple(shots)


def _faults(name: str, value: int, least: int, most: int | None) -> Iterator[str]:
    if value < least or (most is not None and value > most):
        limits = f"at least {least}" if most is None else f"{least} to {most}"
        yield f"{name} must be {limits}, got {value}"


def _refuse_faults(faults: Sequence[str]) -> None:
    if faults:
        raise ConfigError(f"a phantom cannot be drawn: {'; '.join(faults)}")


def _deal_parts(persons: int, generator: np.random.Generator) -> list[Part]:
    """The part of each person."""
    held_out = max(1, round(persons * HELD_OUT_SHARE))
    order = generator.permutation(persons)
    parts: list[Part] = ["train"] * persons
    for person in order[:held_out]:
        parts[person] = "val"
    for person in order[held_out : 2 * held_out]:
        parts[person] = "test"
    return parts


def _deal_bent(part_of_shot: list[Part], generator: np.random.Generator) -> frozenset[int]:
    """Numbers of the shots with a bent wrist."""
    bent: set[int] = set()
    for part in PARTS:
        members = [number for number, own in enumerate(part_of_shot) if own == part]
        order = generator.permutation(members)
        bent.update(int(number) for number in order[: round(len(members) * BENT_SHARES[part])])
    return frozenset(bent)
