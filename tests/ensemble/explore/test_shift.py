from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.data.datasets import Sample
from ensemble.explore.looks import Looks, look_at
from ensemble.explore.shift import compare_looks, ks_distances, rank_share


def samples(count, name="p"):
    return [Sample(f"{name}{i}.png", Path(), f"{name}{i // 2}") for i in range(count)]


def looks(count, *, seed, brighter=0, tall=30, slopes=(1.0,)):
    """Diagonal bands on noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:tall, :40]
    found = []
    for number in range(count):
        slope = slopes[number % len(slopes)]
        image = rng.integers(20, 60, (tall, 40)) + brighter
        offset = rng.normal(0, 3)
        image[np.abs((rows - tall / 2) - slope * (columns - 20) + offset) < 5] += 100
        levels = image.astype(np.uint8)
        found.append(look_at(levels, levels, 700))
    return Looks.stack(found)


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
)
def test_distances_and_ranks_are_those_of_every_pair(ours, theirs):
    points = np.array([*ours, *theirs], float)[:, None]
    is_other = np.repeat([False, True], [len(ours), len(theirs)])
    ours, theirs = np.array(ours), np.array(theirs)
    expected = max(abs((ours <= level).mean() - (theirs <= level).mean()) for level in range(10))
    assert ks_distances(points, is_other[None])[0, 0] == pytest.approx(expected)
    wins = (theirs[:, None] > ours) + 0.5 * (theirs[:, None] == ours)
    assert rank_share(ours, theirs) == pytest.approx(wins.mean())


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"brighter": 60}, "brightness"),
        ({"tall": 34}, "image height"),
        ({"slopes": (-1.0,)}, "foreground: direction"),
    ],
)
def test_what_differs_comes_first(change, name):
    shift = compare_looks(
        looks(40, seed=0), samples(40), looks(30, seed=1, **change), samples(30, "q")
    )
    by_name = {feature.name: feature for feature in shift.features}
    assert by_name[name].distance > 0.9 > shift.chance
    assert by_name[name].outside > 0.9
    assert shift.features[0].distance == max(f.distance for f in shift.features)
    assert (len(by_name[name].ours), len(by_name[name].theirs)) == (40, 30)
    assert shift.auc > 0.95
    assert shift.odds.shape == (30,)
    assert (shift.odds > 1).mean() > 0.9


def test_leaning_to_either_side_is_told_from_standing_upright():
    leaning = looks(30, seed=1, slopes=(0.7, -0.7))
    shift = compare_looks(looks(40, seed=0, slopes=(0.0,)), samples(40), leaning, samples(30, "q"))
    by_name = {feature.name: feature for feature in shift.features}
    assert by_name["foreground: tilt"].distance > 0.9
    assert by_name["foreground: direction"].distance < 0.7


def test_the_classifier_is_judged_by_shuffles_of_groups():
    same = compare_looks(looks(24, seed=3), samples(24), looks(8, seed=103), samples(8, "q"))
    other = compare_looks(
        looks(24, seed=3), samples(24), looks(8, seed=103, brighter=60), samples(8, "q")
    )
    assert 0.6 < same.auc_chance < 0.95
    assert other.told_auc == other.auc > other.auc_chance
    assert replace(same, auc=same.auc_chance).told_auc is None


def test_images_of_one_kind_differ_by_chance_only():
    found = [
        compare_looks(
            looks(40, seed=seed), samples(40), looks(30, seed=seed + 100), samples(30, "q")
        )
        for seed in range(6)
    ]
    assert sum(shift.features[0].distance > shift.chance for shift in found) <= 2
    assert 0.3 < np.mean([shift.auc for shift in found]) < 0.65


def test_one_person_on_a_side_is_too_few_for_a_classifier():
    shift = compare_looks(looks(10, seed=0), samples(10), looks(2, seed=1), samples(2, "q"))
    assert shift.auc is None
    assert shift.odds is None
    assert shift.told_auc is None
    assert shift.features[0].distance >= 0
