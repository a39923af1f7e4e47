import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.explore.looks import QUANTILES, Looks, grey_levels, look_at
from strategies import sizes


def look(image):
    return look_at(image, grey_levels(image), 1000)


@given(sizes, st.sampled_from([np.uint8, np.uint16]), st.integers(0, 99), st.booleans())
def test_levels_are_those_of_the_pixels(size, dtype, seed, is_narrow):
    most = np.iinfo(dtype).max
    rng = np.random.default_rng(seed)
    image = rng.integers(most // 3 if is_narrow else 0, most // 2 if is_narrow else most, size)
    found, values = look(image.astype(dtype)), image / most
    assert found.size.tolist() == list(size)
    assert found.depth_bits == np.dtype(dtype).itemsize * 8
    assert found.mean == pytest.approx(values.mean())
    assert found.std == pytest.approx(values.std(), abs=1e-9)
    expected = np.quantile(values, QUANTILES, method="inverted_cdf")
    np.testing.assert_allclose(found.quantiles, expected, atol=1e-12)
    np.testing.assert_allclose(found.clipped, [(image == 0).mean(), (image == most).mean()])
    histogram, _ = np.histogram(image, bins=64, range=(0, most + 1))
    np.testing.assert_allclose(found.histogram, histogram / image.size, atol=1e-7)


def test_colour_is_what_differs_between_channels():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (20, 31), np.uint8)
    copied = np.repeat(grey[:, :, None], 3, 2)
    assert (grey_levels(copied) == grey).all()
    assert not look(copied).is_colour
    assert not look(grey).is_colour
    for channel in range(3):
        coloured = copied.copy()
        coloured[3, 4, channel] ^= 1
        assert look(coloured).is_colour


def test_depth_does_not_change_a_thumbnail_and_mirroring_mirrors_it():
    rows, columns = np.mgrid[:120, :160]
    image = np.where(np.abs((rows - 60) - (columns - 80)) < 12, 250, 20).astype(np.uint8)
    found, deep = look(image), look(image.astype(np.uint16) * 257)
    assert np.abs(found.thumbnail.astype(int) - deep.thumbnail).max() <= 257
    mirrored = look(image[:, ::-1].copy())
    assert (mirrored.thumbnail == found.thumbnail[:, ::-1]).all()
    share, centre_y, centre_x, elongation, direction = found.foreground
    assert share == pytest.approx((image > 100).mean(), abs=0.02)
    assert (centre_y, centre_x) == pytest.approx((0.5, 0.5), abs=0.02)
    assert elongation > 4
    assert direction == pytest.approx(-45, abs=3)  # from the top left to the bottom right
    assert mirrored.foreground[4] == pytest.approx(45, abs=3)


def test_a_flat_image_has_no_foreground_and_looks_stack():
    flat = look(np.full((9, 5), 77, np.uint8))
    assert flat.std == 0
    assert flat.foreground.tolist()[1:] == [0.5, 0.5, 1.0, 0.0]
    stacked = Looks.stack([flat, look(np.eye(7, dtype=np.uint16))])
    assert len(stacked) == 2
    assert stacked.size.tolist() == [[9, 5], [7, 7]]
    assert stacked.depth_bits.tolist() == [8, 16]
    assert stacked.thumbnail.shape == (2, 64, 64)
