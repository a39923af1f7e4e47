from pathlib import Path

import numpy as np
import pytest

from ensemble.data.metadata import Metadata
from ensemble.data.samples import Sample
from ensemble.diagnosis.persons import UNKNOWN, score_groups


def table(**columns):
    numbers = {k: np.array(v, float) for k, v in columns.items() if isinstance(v, list)}
    categories = {k: v for k, v in columns.items() if isinstance(v, tuple)}
    count = len(next(iter(columns.values())))
    ids = tuple(f"p{i}" for i in range(count))
    return Metadata(Path("t.csv"), ids, numbers, categories, (), ())


def samples(count, images=2):
    return [
        Sample(f"p{i}/{side}.png", Path(), f"p{i}") for i in range(count) for side in range(images)
    ]


def test_groups_part_the_images_and_their_means_are_those_of_their_images():
    rng = np.random.default_rng(0)
    dice = rng.random(26)
    known = table(
        sex=("female", "male", None) * 4, age=[*range(20, 31), np.nan], height=[170.0] * 12
    )
    found = score_groups(known, samples(13), dice)
    for column in ("sex", "age"):
        groups = [g for g in found if g.column == column]
        images = np.concatenate([g.images for g in groups])
        assert sorted(images.tolist()) == list(range(26))
        assert groups[-1].name == UNKNOWN
        for group in groups:
            assert group.dice == pytest.approx(dice[group.images].mean())
            assert group.low <= group.dice <= group.high
            assert group.num_persons == len(group.images) / 2
    assert [g.name for g in found if g.column == "sex"] == ["female", "male", UNKNOWN]
    ages = [g.name for g in found if g.column == "age"]
    assert ages == ["20 to 22 years", "23 to 25 years", "26 to 27 years", "28 to 30 years", UNKNOWN]
    assert {g.column for g in found} == {"sex", "age", "height"}  # p12 has no height


def test_a_column_that_puts_all_together_is_left_out():
    assert score_groups(table(sex=("male",) * 3, age=[30.0] * 3), samples(3), np.ones(6)) == ()


def test_one_person_has_no_interval():
    found = score_groups(table(sex=("male", "female", "male")), samples(3), np.arange(6.0) / 8)
    alone, both = found
    assert (alone.name, alone.num_persons, alone.dice) == ("female", 1, 2.5 / 8)
    assert np.isnan([alone.low, alone.high]).all()
    assert both.low < both.dice < both.high
