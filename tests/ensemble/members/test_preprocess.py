import numpy as np
import pytest

from ensemble.members.manifest import InputSpec
from ensemble.members.preprocess import prepare_image, resize_image, to_eight_bit


def test_an_axis_that_shrinks_is_averaged_also_where_the_other_grows():
    stripes = np.zeros((30, 400), np.uint8)
    stripes[:, ::4] = 255
    assert np.unique(resize_image(stripes, (60, 100))).tolist() == [64]


def test_an_axis_that_grows_is_linear():
    ramp = np.repeat(np.arange(0, 240, 8, dtype=np.uint8)[:, None], 40, axis=1)
    grown = resize_image(ramp, (90, 20)).astype(int)
    assert (np.diff(grown[:, 0]) <= 3).all()


def test_pixel_centres_stay_in_place():
    image = np.zeros((64, 96), np.uint8)
    image[20:40, 30:60] = 255
    small = resize_image(image, (16, 32)).astype(float)
    rows, columns = np.indices(small.shape)
    assert ((rows + 0.5) * small).sum() / small.sum() * 4 == pytest.approx(30)
    assert ((columns + 0.5) * small).sum() / small.sum() * 3 == pytest.approx(45)


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_become_what_the_network_takes(shape, channels):
    spec = InputSpec(size=(4, 5), channels=channels, mean=(0.5,) * channels, std=(0.2,) * channels)
    assert prepare_image(np.full(shape, 77, np.uint8), spec).shape == (4, 5, channels)


def test_deep_images_use_their_own_range_unless_told_otherwise():
    deep = np.linspace(1000, 3000, 400, dtype=np.uint16).reshape(20, 20)
    assert np.ptp(to_eight_bit(deep, "auto")) == 255
    assert to_eight_bit(deep, "full").max() == round(3000 / 257)
    shallow = np.full((3, 3), 9, np.uint8)
    assert (to_eight_bit(shallow, "auto") == 9).all()
