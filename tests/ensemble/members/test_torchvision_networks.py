import pytest
import torch
from torch.testing import assert_close
from torchvision import models

from ensemble.members.torchvision_networks import (
    ENCODERS,
    build_torchvision,
    torchvision_archs,
    without_aux,
)

HEADS = {"fcn_resnet50": "fcn", "deeplabv3_resnet101": "deeplabv3"}


def built(arch, encoder, **options):
    return build_torchvision(arch, encoder, num_classes=3, pretrained=False, options=options)


@pytest.mark.parametrize("stock", HEADS)
def test_a_head_on_its_stock_encoder_is_the_stock_network(stock):
    """Same weights under torchvision's own names, same answers."""
    arch, encoder = HEADS[stock], stock.partition("_")[2]
    own = built(arch, encoder, aux_loss=True).double().eval()
    theirs = (
        models.get_model(stock, weights=None, weights_backbone=None, num_classes=3, aux_loss=True)
        .double()
        .eval()
    )
    theirs.load_state_dict(own.state_dict())
    generator = torch.Generator().manual_seed(0)
    batch = torch.randn(1, 3, 64, 96, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        answer, expected = own(batch), theirs(batch)
    assert list(answer) == ["out", "aux"]
    for key in answer:
        assert_close(answer[key], expected[key])


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("arch", ["fcn", "deeplabv3"])
def test_every_encoder_answers_at_an_eighth_of_its_input(arch, encoder):
    network = built(arch, encoder).to("meta").eval()
    batch = torch.empty(1, 3, 64, 96, device="meta")
    assert network.backbone(batch)["out"].shape[2:] == (8, 12)
    assert network(batch)["out"].shape == (1, 3, 64, 96)


def test_without_the_auxiliary_head_the_answer_is_the_same():
    trained = built("fcn", "resnet18", aux_loss=True).eval()
    kept = built("fcn", "resnet18").eval()
    kept.load_state_dict(without_aux(trained.state_dict()))
    batch = torch.randn(1, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert_close(kept(batch)["out"], trained(batch)["out"])


def test_the_heads_stand_beside_the_builders():
    assert {"fcn", "deeplabv3", "fcn_resnet50", "lraspp_mobilenet_v3_large"} <= set(
        torchvision_archs()
    )
