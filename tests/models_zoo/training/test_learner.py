"""The loss of a batch, as the settings of a member make it up."""

import pytest
import torch
from torch import nn

from ensemble.classes import ClassList
from models_zoo.examples.target import unpack_target
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.training.learner import batch_loss
from models_zoo.training.losses import segmentation_loss

CLASSES = ClassList(("a", "b"))


class Fixed(nn.Module):
    """Says the same of every image, and something else by its auxiliary head."""

    def __init__(self, main, aux=None):
        super().__init__()
        self.main, self.aux = main, aux

    def forward(self, _inputs):
        return self.main if self.aux is None else {"out": self.main, "aux": self.aux}


@pytest.fixture
def batch():
    numbers = torch.Generator().manual_seed(0)
    return {
        "image": torch.randint(0, 256, (2, 8, 8, 3), generator=numbers, dtype=torch.uint8),
        "planes": torch.randint(0, 4, (2, 1, 8, 8), generator=numbers, dtype=torch.int32),
        "ignored": torch.zeros(2, 8, 8, dtype=torch.bool),
    }


@pytest.fixture
def logits():
    return torch.randn(2, 2, 2, 8, 8, generator=torch.Generator().manual_seed(1)).unbind()


def test_an_auxiliary_head_counts_four_tenths(batch, logits):
    main, aux = logits
    spec = MemberSpec(arch="unet")
    alone = [float(batch_loss(Fixed(each), batch, spec, CLASSES)) for each in (main, aux)]
    both = float(batch_loss(Fixed(main, aux), batch, spec, CLASSES))
    assert both == pytest.approx(alone[0] + 0.4 * alone[1])


def test_classes_count_as_they_weigh(batch, logits):
    main, _ = logits
    spec = MemberSpec(arch="unet", loss="bce", class_weights={"b": 3.0})
    found = float(batch_loss(Fixed(main), batch, spec, CLASSES))
    target = unpack_target(batch["planes"], batch["ignored"], CLASSES)
    a, b = (
        float(segmentation_loss(spec.loss_terms, main[:, c : c + 1], target.of(slice(c, c + 1))))
        for c in range(2)
    )
    assert found == pytest.approx((a + 3 * b) / 4)
    assert found != pytest.approx((a + b) / 2)
