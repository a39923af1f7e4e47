import numpy as np
import pytest

from ensemble.bit_planes import pack, unpack
from models_zoo.examples.augment import Example
from models_zoo.examples.mixing import mosaic, ricap

SIZE = (46, 60)


def examples():
    """Four images, each of a grey level of its own, whose mask is its left half."""
    made = []
    for number in range(4):
        masks = np.zeros((40, *SIZE), bool)
        masks[number, :, :30] = True
        masks[39] = True
        image = np.full((*SIZE, 3), 10 + number, np.uint8)
        image[:, :30] += 100
        made.append(Example(image, pack(masks), masks[number]))
    return made


def check(example):
    """Image, planes and what is ignored say the same everywhere."""
    masks = unpack(example.planes, 40)
    assert example.image.shape == (*SIZE, 3)
    assert masks[39].all()
    level = example.image[:, :, 0].astype(int)
    for number in range(4):
        inside, outside = level == 110 + number, level == 10 + number
        np.testing.assert_array_equal(masks[number] & inside, inside)
        assert not (masks[number] & outside).any()
    np.testing.assert_array_equal(example.ignored, masks[:4].any(axis=0))


def test_a_mosaic_shows_four_images_whole():
    made = mosaic(examples())
    check(made)
    corners = made.image[[0, 0, -1, -1], [-1, 0, -1, 0], 0]
    assert corners.tolist() == [11, 110, 13, 112]
    areas = [(unpack(made.planes, 40)[number]).sum() for number in range(4)]
    assert areas == [23 * 15] * 4


@pytest.mark.parametrize("seed", range(20))
def test_ricap_shows_parts_at_their_own_size(seed):
    made = ricap(examples(), np.random.default_rng(seed))
    check(made)
    again = ricap(examples(), np.random.default_rng(seed))
    np.testing.assert_array_equal(made.image, again.image)


def test_ricap_meets_at_many_points():
    firsts = [ricap(examples(), np.random.default_rng(seed)).image[0, 0, 0] for seed in range(40)]
    assert len({int(level) % 10 for level in firsts}) >= 2
