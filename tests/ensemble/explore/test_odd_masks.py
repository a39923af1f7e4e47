from collections import Counter

import numpy as np
import pytest

from ensemble.bit_planes import Label, pack
from ensemble.explore.odd_masks import (
    MOST_OF_CLASS,
    MOST_OF_IMAGE,
    MOST_SHOWN,
    PICTURE_PX,
    draw_mask,
    pick_odd_masks,
)
from ensemble.explore.outliers import Outlier


def test_the_oddest_masks_are_shown_once_each_and_few_of_a_class_and_image():
    outliers = [
        Outlier(image, c, what, 99.0)
        for c in range(20)
        for image in range(40)
        for what in ("area", "direction")
    ]
    picked = pick_odd_masks(outliers)
    assert len(picked) == MOST_SHOWN
    assert max(Counter(odd.image for odd in picked).values()) == MOST_OF_IMAGE
    assert len({(odd.image, odd.class_index) for odd in picked}) == MOST_SHOWN
    assert [odd.class_index for odd in picked].count(0) == MOST_OF_CLASS
    assert all([o.what for o in odd.outliers] == ["area", "direction"] for odd in picked)
    assert pick_odd_masks([]) == []


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("corner", [(0, 0), (100, 30), (180, 250)])
def test_a_mask_is_drawn_in_the_middle_with_its_outline(dtype, corner):
    most = np.iinfo(dtype).max
    image = np.full((200, 300), most // 2, dtype)
    image[0, 0], image[-1, -1] = 0, most
    mask = np.zeros((2, 200, 300), bool)
    box = np.array([*corner, corner[0] + 20, corner[1] + 40])
    mask[1, box[0] : box[2], box[1] : box[3]] = True
    picture = draw_mask(image, Label(pack(mask)), 1, box)
    assert picture.shape == (PICTURE_PX, PICTURE_PX, 3)
    outlined = picture[:, :, 0].astype(int) - picture[:, :, 2] > 60
    ys, xs = np.nonzero(outlined)
    assert (ys.min() + ys.max()) / 2 == pytest.approx(PICTURE_PX / 2, abs=3)
    assert (xs.min() + xs.max()) / 2 == pytest.approx(PICTURE_PX / 2, abs=3)
    assert np.ptp(xs) / np.ptp(ys) == pytest.approx(2, rel=0.1)
    empty = np.zeros((2, 200, 300), bool)
    without = draw_mask(image, Label(pack(empty)), 1, box).astype(int)
    assert (np.abs(without[:, :, 0] - without[:, :, 2]) == 0).all()


def test_what_lies_outside_of_the_image_is_black():
    image = np.full((60, 60), 200, np.uint8)
    mask = np.zeros((1, 60, 60), bool)
    mask[0, :10, :10] = True
    picture = draw_mask(image, Label(pack(mask)), 0, np.array([0, 0, 10, 10]))
    assert (picture[: PICTURE_PX // 4, : PICTURE_PX // 4] == 0).all()
    assert (picture[-5:, -5:] == 200).all()
