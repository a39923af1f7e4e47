"""Who predicts does so in float32, whatever was set before."""

import pytest
import torch
from drawings import write_drawings

from ensemble.data.datasets import open_labelled
from ensemble.members.roster import load_members
from ensemble.progress import silent
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.training.validation import Validator, read_validation_labels


@pytest.fixture(autouse=True)
def _rounded():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def _is_exact():
    return not (torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32)


def test_loading_members_makes_float32_exact():
    load_members([], torch.device("cpu"))

    assert _is_exact()


def test_validation_scores_in_exact_float32(tmp_path):
    labelled = open_labelled(write_drawings(tmp_path, train=1, val=1) / "val")
    held_out = read_validation_labels(labelled, silent)
    Validator(held_out, MemberSpec(arch="unet"), device=torch.device("cpu"))

    assert _is_exact()
