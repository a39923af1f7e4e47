import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.explore.outliers import (
    JUDGED,
    LEAST_IMAGES,
    OUTLIER_Z,
    find_outliers,
    modified_z,
    z_scores,
)
from ensemble.explore.shapes import shapes_of

SIZE = (60, 80)


def discs(radii, *, level=100, centre=(30, 40)):
    """Shapes of one class whose discs differ in radius; a radius of 0 is no disc."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = np.hypot(rows - centre[0], columns - centre[1])
    levels = np.full(SIZE, level, np.uint8)
    sums = [reference.label_sums((distance < radius)[None], levels) for radius in radii]
    count = len(radii)
    return shapes_of(
        np.stack(sums), np.tile(SIZE, (count, 1)), np.full(count, 8), np.zeros(count, np.int64)
    )


@given(st.lists(st.floats(-1e6, 1e6), min_size=LEAST_IMAGES, max_size=30), st.floats(0.01, 10))
def test_scores_follow_their_formula(values, least):
    values = np.array(values)
    middle = np.median(values)
    spread = np.median(np.abs(values - middle)) / 0.6745
    if spread == 0:
        spread = 1.2533 * np.abs(values - middle).mean()
    expected = (values - middle) / max(spread, least)
    np.testing.assert_allclose(modified_z(values, least=least), expected, rtol=1e-9, atol=1e-9)


def test_of_two_values_only_a_rare_one_is_an_outlier():
    assert np.abs(modified_z(np.repeat([1.0, 2.0], [13, 10]), least=0.01)).max() < OUTLIER_Z
    assert modified_z(np.repeat([1.0, 2.0], [22, 1]), least=0.01)[-1] > OUTLIER_Z


def test_what_is_rare_or_absent_has_no_outliers():
    few = np.array([1.0, 2, 3, 4, 5, 6, 1000])
    assert (modified_z(few, least=1) == 0).all()
    padded = np.append(few, [np.nan] * 20)
    assert (modified_z(padded, least=1) == 0).all()
    known = np.append(few, [7.0, np.nan])
    assert modified_z(known, least=1)[6] > OUTLIER_Z
    assert modified_z(known, least=1)[-1] == 0


@given(st.floats(-90, 90))
def test_directions_have_outliers_wherever_the_turn_lies(middle):
    rng = np.random.default_rng(0)
    degrees = np.append(middle + rng.normal(0, 3, 30), middle + 60)
    wrapped = (degrees + 90) % 180 - 90
    scores = modified_z(wrapped, least=1, is_axial=True)
    assert scores[-1] > OUTLIER_Z
    assert np.abs(scores[:-1]).max() < OUTLIER_Z


def test_the_odd_mask_is_named_with_what_is_odd_about_it():
    radii = [12, 12.5, 13, 13.5, 12, 13, 12.2, 13.1, 5, 0]
    found = find_outliers(discs(radii))
    assert [(o.image, o.class_index, o.what) for o in found] == [(8, 0, "area")]
    assert found[0].z < -OUTLIER_Z
    assert set(z_scores(discs(radii))) == set(JUDGED)


@pytest.mark.parametrize(
    ("odd", "what"),
    [
        ({"centre": (46, 40)}, "height in the image"),
        ({"centre": (30, 20)}, "place across"),
        ({"level": 180}, "brightness"),
    ],
)
def test_place_and_brightness_have_outliers(odd, what):
    usual = [discs([12], centre=(30 + i % 3, 40 + i % 4), level=100 + i) for i in range(20)]
    rows = [*usual, discs([12], **odd)]
    fields = {
        name: np.concatenate([getattr(shapes, name) for shapes in rows])
        for name in type(rows[0]).__slots__
    }
    found = find_outliers(type(rows[0])(**fields))
    assert (found[0].image, found[0].what) == (20, what)
