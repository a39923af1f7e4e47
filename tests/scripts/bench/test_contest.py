import numpy as np
import torch
from hypothesis import given
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import integers, tuples

from contest import contest_argmax_strings, contest_rle, contest_strings, contest_sum_strings
from reference import rle_string

SIDES = tuples(integers(1, 9), integers(1, 9))


@given(arrays(np.bool_, SIDES))
def test_the_contest_s_strings_are_those_of_the_reference(mask):
    assert contest_rle(mask) == rle_string(mask)


def test_paths_of_the_contest_give_the_same_masks_at_the_size_of_the_grid():
    probs = torch.tensor([[[0.1, 0.9, 0.6]], [[0.8, 0.2, 0.7]]])
    above = [rle_string(mask) for mask in (probs > 0.5).numpy()]
    assert contest_strings(probs.logit(), (1, 3)) == above
    assert contest_sum_strings([probs / 2, probs / 2], (1, 3), order="row") == above
    largest = [rle_string(probs.argmax(0).numpy() == c) for c in range(2)]
    assert contest_argmax_strings(probs, (1, 3)) == largest


def test_column_major_sums():
    probs = torch.rand((2, 3, 5), generator=torch.Generator().manual_seed(0))
    strings = contest_sum_strings([probs], (3, 5), order="column")
    assert strings == [rle_string(mask, order="column") for mask in (probs > 0.5).numpy()]
