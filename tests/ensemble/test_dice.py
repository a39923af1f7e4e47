import numpy as np
import pytest
from hypothesis import given

import reference
from ensemble.bit_planes import Label, pack
from ensemble.dice import image_dice
from ensemble.rle import encode
from strategies import mask_stacks

pytestmark = pytest.mark.kernel


@given(mask_stacks())
def test_dice_of_runs_equals_the_dense_metric(true):
    predicted = np.roll(true, 1, axis=2) ^ np.roll(true, 1, axis=1)
    scores = image_dice([encode(mask) for mask in predicted], Label(pack(true)))
    dense = [reference.dice(p, t) for p, t in zip(predicted, true, strict=True)]
    assert scores == pytest.approx(dense, abs=1e-12)


@given(mask_stacks())
def test_ignored_pixels_count_on_neither_side(true):
    ignored = np.roll(true[-1], 2, axis=0)
    predicted = np.roll(true, 1, axis=2)
    label = Label(pack(true & ~ignored), ignored)
    scores = image_dice([encode(mask) for mask in predicted], label)
    dense = [
        reference.dice(p & ~ignored, t & ~ignored) for p, t in zip(predicted, true, strict=True)
    ]
    assert scores == pytest.approx(dense, abs=1e-12)


def test_nothing_predicted_of_nothing_there_is_right():
    empty = np.zeros((2, 3, 4), bool)
    assert image_dice([encode(mask) for mask in empty], Label(pack(empty))).tolist() == [1, 1]
