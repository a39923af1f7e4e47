from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.bit_planes import pack
from ensemble.classes import ClassList
from models_zoo.examples import crops
from models_zoo.examples.augment import Example
from models_zoo.examples.crops import CropAugment, cut, place_crop, warp_margin
from models_zoo.settings.augment_spec import AugmentSpec

OFF = AugmentSpec.model_validate("none")
CLASSES = ClassList(("a", "b"))


def _numbered(size, channels=1):
    """An example each of whose pixels differs, in image, planes and ignored alike."""
    order = np.arange(size[0] * size[1]).reshape(size)
    image = np.repeat((order % 251).astype(np.uint8)[:, :, None], channels, axis=2)
    return Example(image, order[None].astype(np.uint32), order % 7 == 0)


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(-12, 12), st.integers(-12, 12)),
)
def test_a_part_is_that_of_the_example_in_a_sea_of_nothing(size, part, place):
    example = _numbered(size)

    (top, left), found = place, cut(example, *place, part)

    rows, columns = slice(top + 24, top + 24 + part[0]), slice(left + 24, left + 24 + part[1])
    for name in ("image", "planes", "ignored"):
        whole = getattr(example, name)
        axis = 1 if name == "planes" else 0
        around = [(24, 24) if a in (axis, axis + 1) else (0, 0) for a in range(whole.ndim)]
        sea = np.moveaxis(np.pad(whole, around), [axis, axis + 1], [0, 1])
        got = np.moveaxis(getattr(found, name), [axis, axis + 1], [0, 1])
        np.testing.assert_array_equal(got, sea[rows, columns])


def test_places_are_inside_and_everywhere():
    planes = np.zeros((1, 7, 9), np.uint32)
    numbers = np.random.default_rng(0)

    places = Counter(place_crop(planes, (5, 4), CLASSES, numbers) for _ in range(900))

    assert set(places) == {(top, left) for top in range(3) for left in range(6)}
    assert min(places.values()) > 25


def test_a_crop_of_the_whole_lies_in_one_place():
    planes = np.ones((1, 7, 9), np.uint32)
    numbers = np.random.default_rng(0)

    assert {place_crop(planes, (7, 9), CLASSES, numbers) for _ in range(20)} == {(0, 0)}


def test_a_third_is_centred_on_a_class_however_small_it_is():
    names = ("background", *(f"c{number}" for number in range(40)))
    masks = np.zeros((41, 300, 300), bool)
    masks[0] = True
    for index, (row, column) in ((3, (100, 200)), (40, (250, 40)), (17, (299, 0))):
        masks[:, row, column] = False
        masks[index, row, column] = True
    masks[0, :90], masks[3, :90] = False, False
    numbers = np.random.default_rng(0)

    places = Counter(
        place_crop(pack(masks), (32, 40), ClassList(names, exclusive=True), numbers)
        for _ in range(900)
    )

    # the last is as near to the corner as it can be
    centred = [places[100 - 16, 200 - 20], places[250 - 16, 40 - 20], places[300 - 32, 0]]
    assert sum(centred) == pytest.approx(300, abs=50)
    assert min(centred) > 70
    assert len(places) > 500


def test_without_changes_a_crop_is_a_part_of_the_image():
    example = _numbered((40, 56), channels=3)
    augment = CropAugment((16, 24), OFF, CLASSES)

    for seed in range(10):
        crop = augment(example, seed)

        top, left = divmod(int(crop.planes[0, 0, 0]), 56)
        expected = cut(example, top, left, (16, 24))
        for name in ("image", "planes", "ignored"):
            np.testing.assert_array_equal(getattr(crop, name), getattr(expected, name))


def test_a_seed_decides_crop_and_change_and_items_differ():
    example = _numbered((64, 64), channels=3)
    augment = CropAugment((32, 32), AugmentSpec(), CLASSES)

    first, again, other = augment(example, 7, 0, 3), augment(example, 7, 0, 3), augment(example, 7)

    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.planes, again.planes)
    assert not np.array_equal(first.planes, other.planes)


@pytest.mark.parametrize("rotate_deg", [0, 15, 60, 180])
@pytest.mark.parametrize("size", [(32, 32), (24, 72)])
def test_a_warp_brings_in_what_lies_around(size, rotate_deg, monkeypatch):
    # a crop in the middle of a white image stays white and of its class to its corners
    warp = {"affine": 1.0, "rotate_deg": float(rotate_deg), "scale": 0.3, "shift": 0.4}
    spec = OFF.model_copy(update=warp)
    margin = warp_margin(size, spec)
    sides = [side + 2 * around for side, around in zip(size, margin, strict=True)]
    white = np.full((*sides, 3), 255, np.uint8)
    example = Example(white, np.ones((1, *sides), np.uint32), np.zeros(sides, bool))
    monkeypatch.setattr(crops, "place_crop", lambda *_: margin)
    augment = CropAugment(size, spec, CLASSES)

    for seed in range(60):
        crop = augment(example, seed)

        assert crop.image.shape == (*size, 3)
        assert (crop.image.min(), crop.planes.min()) == (255, 1)


def test_without_a_warp_nothing_around_is_needed():
    assert warp_margin((32, 48), OFF) == (0, 0)
