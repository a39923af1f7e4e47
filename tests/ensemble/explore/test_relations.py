from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.data.datasets import Sample
from ensemble.data.metadata import Metadata
from ensemble.explore.relations import LEAST_PERSONS, join_persons, relate, strength


def table(ids, numbers, categories):
    return Metadata(Path("metadata.csv"), tuple(ids), numbers, categories, (), ())


def test_areas_are_averaged_over_the_images_of_a_person_that_hold_the_class():
    names = ["a/1.png", "a/2.png", "c/1.png", "x/1.png"]
    samples = [Sample(name, Path(name), name[0]) for name in names]
    areas = np.array([[0.1, 0.0], [0.3, 0.4], [0.5, 0.0], [0.9, 0.9]])
    persons = join_persons(table("abc", {}, {}), samples, areas)
    assert persons.rows.tolist() == [0, 2]
    assert persons.num_images.tolist() == [2, 1]
    np.testing.assert_allclose(persons.areas, [[0.2, 0.4], [0.5, np.nan]])
    assert persons.unknown == ("x",)
    assert persons.unused == ("b",)


def test_what_goes_with_areas_is_told_from_what_does_not():
    rng = np.random.default_rng(0)
    count = 60
    ids = [f"p{i}" for i in range(count)]
    height = rng.normal(170, 10, count)
    sex = tuple("male" if h > 170 else "female" for h in height)
    areas = np.stack([np.exp(height / 50), rng.random(count)], axis=1) / 100
    unknown = height.copy()
    unknown[:3] = np.nan
    numbers = {"height": unknown, "shoe": -height, "luck": rng.random(count)}
    samples = [Sample(f"{name}.png", Path(), name) for name in ids]
    data = table(ids, numbers, {"sex": (None, *sex[1:])})
    found = {r.column: r for r in relate(data, join_persons(data, samples, areas))}
    assert found["height"].strength[0] == pytest.approx(1)
    assert found["shoe"].strength[0] == pytest.approx(-1)
    assert 0.7 < found["sex"].strength[0] < 1
    assert abs(found["luck"].strength).max() < found["luck"].chance
    assert all(abs(relation.strength[1]) < relation.chance for relation in found.values())
    assert all(0.1 < relation.chance < 0.5 for relation in found.values())


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=10, max_size=30))
def test_the_correlation_is_that_of_ranks(pairs):
    values, areas = np.array(pairs, float).T

    def ranks(column):
        return np.array([(column < v).sum() + (column == v).sum() / 2 for v in column])

    expected = 0.0
    if np.ptp(values) and np.ptp(areas):
        expected = np.corrcoef(ranks(values), ranks(areas))[0, 1]
    assert strength(values, areas, is_category=False) == pytest.approx(expected, abs=1e-9)
    two = (values > 2).astype(float)
    both = strength(two, areas, is_category=True)
    assert both == pytest.approx(abs(strength(two, areas, is_category=False)), abs=1e-9)


def test_few_persons_say_nothing():
    values = np.arange(LEAST_PERSONS - 1.0)
    assert np.isnan(strength(values, values, is_category=False))
    padded = np.append(values, np.nan)
    assert np.isnan(strength(padded, np.append(values, 3.0), is_category=True))
