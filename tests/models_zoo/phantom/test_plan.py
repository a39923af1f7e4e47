from __future__ import annotations

from collections import defaultdict

import pytest

from ensemble.errors import ConfigError
from models_zoo.phantom.plan import PARTS, plan_shots


@pytest.mark.parametrize("images", [6, 7, 11, 40, 333])
def test_every_image_is_planned_once_and_persons_keep_to_one_part(images: int) -> None:
    shots = plan_shots(images, 64, 0)
    assert [shot.number for shot in shots] == list(range(images))
    assert len({shot.stem for shot in shots}) == images
    parts_of = defaultdict(set)
    for shot in shots:
        parts_of[shot.person].add(shot.part)
    assert all(len(parts) == 1 for parts in parts_of.values())
    assert {shot.part for shot in shots} == set(PARTS)


def test_a_person_has_a_right_and_a_left_hand() -> None:
    sides = defaultdict(list)
    for shot in plan_shots(41, 64, 3):
        sides[shot.person].append(shot.side)
    assert len(sides.pop(20)) == 1
    assert all(sorted(pair) == ["L", "R"] for pair in sides.values())


def test_parts_and_bent_wrists_have_the_shares_of_the_contest() -> None:
    shots = plan_shots(1000, 64, 1)
    for part, share, bent_share in (("train", 0.6, 0.11), ("val", 0.2, 0.11), ("test", 0.2, 0.57)):
        members = [shot for shot in shots if shot.part == part]
        assert len(members) / 1000 == pytest.approx(share, abs=0.01)
        bent = sum(shot.bent for shot in members)
        assert bent / len(members) == pytest.approx(bent_share, abs=0.01)


def test_most_names_have_no_side_and_those_that_have_one_are_right() -> None:
    shots = plan_shots(400, 64, 2)
    suffixed = [shot for shot in shots if "_" in shot.stem]
    assert 0 < len(suffixed) < 150
    assert all(shot.stem.endswith(f"_{shot.side}") for shot in suffixed)
    assert all(len(shot.stem.split("_")[0]) == len("image") + 13 for shot in shots)


@pytest.mark.parametrize(
    ("images", "size", "seed", "word"),
    [
        (5, 64, 0, "images"),
        (6, 63, 0, "size"),
        (6, 4097, 0, "size"),
        (6, 64, -1, "seed"),
        (4, 3, 0, "images must be at least 6, got 4; size"),
    ],
)
def test_numbers_out_of_range_are_refused(images: int, size: int, seed: int, word: str) -> None:
    with pytest.raises(ConfigError, match=f"{word} must be .*, got"):
        plan_shots(images, size, seed)
