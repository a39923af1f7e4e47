import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.explore.shapes import axes, from_mean_direction, shapes_of
from strategies import mask_stacks


def shapes(masks, levels, ignored_px=0):
    return shapes_of(
        reference.label_sums(masks, levels)[None],
        np.array([masks.shape[1:]]),
        np.array([8 * levels.dtype.itemsize]),
        np.array([ignored_px]),
    )


@given(mask_stacks(max_classes=5), st.sampled_from([np.uint8, np.uint16]))
def test_shapes_are_those_of_the_pixels(masks, dtype):
    rng = np.random.default_rng(0)
    levels = rng.integers(0, np.iinfo(dtype).max, masks.shape[1:], dtype)
    found = shapes(masks, levels, ignored_px=3)
    for c, mask in enumerate(masks):
        ys, xs = np.nonzero(mask)
        assert found.area_px[0, c] == len(ys)
        assert found.is_present[0, c] == mask.any()
        assert found.area_share[0, c] == len(ys) / max(mask.size - 3, 1)
        if not len(ys):
            assert np.isnan([found.centre_y[0, c], found.elongation[0, c], found.level[0, c]]).all()
            continue
        assert found.centre_y[0, c] == pytest.approx((ys.mean() + 0.5) / mask.shape[0])
        assert found.centre_x[0, c] == pytest.approx((xs.mean() + 0.5) / mask.shape[1])
        assert found.level[0, c] == pytest.approx(levels[mask].mean() / np.iinfo(dtype).max)
        spread = np.linalg.eigvalsh(np.cov(np.stack([ys, xs]), bias=True) + np.eye(2) / 12)
        assert found.elongation[0, c] == pytest.approx(np.sqrt(spread[1] / spread[0]), rel=1e-6)


@pytest.mark.parametrize("degrees", [0, 30, 45, 89, -20, -70])
def test_a_bar_points_where_it_was_drawn(degrees):
    angle = np.radians(degrees)
    along = np.linspace(-50, 50, 400)
    xs, ys = along * np.cos(angle), -along * np.sin(angle)  # rows go down
    elongation, direction = axes(np.var(ys), np.mean(xs * ys), np.var(xs))
    assert direction == pytest.approx(degrees, abs=1e-6)
    assert elongation > 90


@given(st.floats(-90, 90), st.floats(0, 40))
def test_directions_are_compared_across_the_turn(middle, apart):
    degrees = np.array([middle - apart, middle + apart])
    wrapped = (degrees + 90) % 180 - 90
    found = from_mean_direction(wrapped, np.ones(2, bool))
    np.testing.assert_allclose(found, [-apart, apart], atol=1e-6)
