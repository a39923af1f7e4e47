"""The space in which soft maps are summed."""

import numpy as np
import pytest
import torch

from ensemble.fusion_space import PROB_FLOOR
from ensemble.members.member import activate_

LOGITS = torch.tensor([-1e4, -60.0, -9.3, -9.0, -1.0, 0.0, 3.0, 9.3, 60.0, 1e4])


def test_logits_are_those_of_probabilities_within_the_floor():
    probs = activate_(LOGITS.clone(), False, "prob").double().clamp(PROB_FLOOR, 1 - PROB_FLOOR)
    expected = torch.log(probs / (1 - probs))
    torch.testing.assert_close(
        activate_(LOGITS.clone(), False, "logit").double(), expected, atol=1e-3, rtol=0
    )
    assert activate_(LOGITS.clone(), False, "logit")[4:7].tolist() == [-1.0, 0.0, 3.0]


@pytest.mark.parametrize("third", [-2.0, 0.0, 1e4])
def test_logarithms_are_those_of_probabilities_from_the_floor_on(third):
    logits = torch.stack([LOGITS, LOGITS.flip(0), torch.full_like(LOGITS, third)])[None, :, :, None]
    found = activate_(logits.clone(), True, "logit").double()
    expected = torch.log(activate_(logits.clone(), True, "prob").double().clamp(min=PROB_FLOOR))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
    assert found.min() == pytest.approx(np.log(1e-4))
    assert (found.argmax(1) == logits.argmax(1)).all()
