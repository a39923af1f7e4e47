import cv2
import numpy as np
import pytest

from ensemble.bit_planes import Label, pack
from ensemble.classes import ClassList
from models_zoo.copies.pose import leans_deg, long_axis_deg
from models_zoo.examples.augment import Example, turn_by

CLASSES = ClassList(("hand", "arm"))


def bar(angle_deg, size=(120, 150)):
    """A bar of two classes, 0 along the rows, 45 rising to the right."""
    masks = np.zeros((2, *size), np.uint8)
    along = np.array([np.cos(np.radians(angle_deg)), -np.sin(np.radians(angle_deg))])
    middle = np.array([size[1] / 2, size[0] / 2])
    for mask, end in zip(masks, (45, -45), strict=True):
        cv2.line(
            mask, (middle + end * along).astype(int).tolist(), middle.astype(int).tolist(), 1, 9
        )
    return Label(pack(masks > 0), None)


@pytest.mark.parametrize("angle_deg", [0, 30, 89, -60])
def test_the_long_axis_is_that_of_all_that_is_labelled(angle_deg):
    assert long_axis_deg(bar(angle_deg), CLASSES) == pytest.approx(angle_deg, abs=1)


def test_a_background_has_no_pose_and_nothing_has_none():
    masks = np.zeros((2, 20, 30), bool)
    masks[0] = True
    exclusive = ClassList(("background", "bone"), exclusive=True)
    assert np.isnan(long_axis_deg(Label(pack(masks), None), exclusive))
    masks[1, 5:8, 3:25] = True
    masks[0] &= ~masks[1]
    assert long_axis_deg(Label(pack(masks), None), exclusive) == pytest.approx(0, abs=1)


def test_leans_are_from_most_of_them_also_beyond_the_vertical():
    found = leans_deg([88.0, -89.0, 90.0, -65.0, np.nan])
    np.testing.assert_allclose(found[:4], [-2.5, 0.5, -0.5, 24.5], atol=0.6)
    assert np.isnan(found[4])
    assert np.isnan(leans_deg([np.nan])).all()


def test_turning_back_by_the_lean_makes_upright():
    label = bar(60)
    example = Example(
        np.zeros((*label.size, 1), np.uint8), label.planes, np.zeros(label.size, np.bool_)
    )
    turned = turn_by(example, 30)
    found = long_axis_deg(Label(turned.planes, None), CLASSES)
    assert abs(found) == pytest.approx(90, abs=1)
