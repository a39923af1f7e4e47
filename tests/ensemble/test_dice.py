import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.bit_planes import Label, pack
from ensemble.dice import image_dice
from ensemble.kernels.dice import graded
from ensemble.metrics import dice
from ensemble.runs.rle import encode
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


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
def test_tuning_counts_with_the_same_dice(hits, missed, wrong):
    area, true_area = hits + wrong, hits + missed
    expected = (2 * hits + 1e-4) / (area + true_area + 1e-4)
    assert graded(hits, area, true_area, False) == pytest.approx(expected, abs=1e-15)
    assert dice(*map(np.array, (hits, area, true_area))) == pytest.approx(expected, abs=1e-15)


def test_nothing_predicted_of_nothing_there_is_right():
    empty = np.zeros((2, 3, 4), bool)
    assert image_dice([encode(mask) for mask in empty], Label(pack(empty))).tolist() == [1, 1]
