import numpy as np
import pytest

from ensemble.classes import ClassList
from ensemble.explore.shapes import Shapes
from ensemble.explore.sides import image_pairs, mirror_pairs

CLASSES = ClassList(("left", "right", "spine"), mirror_pairs=(("left", "right"),))


def shapes(area_share, centre_x):
    area = np.array(area_share, float)
    known = np.where(area > 0, 1.0, np.nan)
    return Shapes(
        area_px=(area * 1e4).astype(np.int64),
        area_share=area,
        centre_y=known / 2,
        centre_x=np.array(centre_x) * known,
        elongation=known,
        direction_deg=known,
        level=known,
    )


def test_a_class_on_the_side_of_the_other_is_found():
    areas = [[0.2, 0.1, 0.1]] * 4 + [[0.2, 0.0, 0.1]]
    places = [[0.3, 0.7, 0.5], [0.3, 0.7, 0.5], [0.7, 0.3, 0.5], [0.2, 0.6, 0.5], [0.9, 0, 0.5]]
    (pair,) = mirror_pairs(CLASSES, shapes(areas, places))
    assert (pair.first, pair.second) == (0, 1)
    assert pair.is_swapped.tolist() == [False, False, True, False, False]
    assert pair.is_in_both.tolist() == [True] * 4 + [False]
    np.testing.assert_allclose(pair.log_ratio[:4], np.log(2))


def test_two_images_of_a_person_are_compared_straight_and_mirrored():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 65535, (64, 64), np.uint16)
    thumbnails = np.stack([picture, picture[:, ::-1], picture, picture, picture, picture])
    groups = ["a", "a", "b", "b", "c", "c", "d", "e", "e", "e"]
    thumbnails = np.concatenate([thumbnails, np.zeros((4, 64, 64), np.uint16)])
    areas = np.full((10, 3), 0.1)
    areas[1] *= [1.5, 2, 2.5]
    areas[4:6, 1:] = 0
    areas[5, 0], areas[4, 0] = 0.0, 0.1
    found = image_pairs(groups, thumbnails, shapes(areas, np.full((10, 3), 0.5)))
    assert [pair.group for pair in found] == ["a", "b", "c"]
    one, two, three = found
    assert (one.first, one.second) == (0, 1)
    assert one.is_mirror_image
    assert one.mirrored == pytest.approx(1)
    assert not two.is_mirror_image
    assert two.straight == pytest.approx(1)
    assert one.area_ratio == pytest.approx(2)
    assert two.area_ratio == pytest.approx(1)
    assert np.isnan(three.area_ratio)
    unlabelled = image_pairs(groups, thumbnails, None)
    assert all(np.isnan(pair.area_ratio) for pair in unlabelled)
    assert image_pairs(["x"], thumbnails[:1], None) == []
