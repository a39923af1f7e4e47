import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch.utils import checkpoint as torch_checkpoint

from ensemble.errors import ConfigError
from ensemble.members.manifest import NetworkSpec
from ensemble.members.networks import build_network, logits_of
from models_zoo import checkpointing
from models_zoo.checkpointing import checkpoint_encoder

NETWORKS = [
    ("smp", "unet", "resnet18"),
    ("smp", "segformer", "mit_b0"),
    ("smp", "fpn", "efficientnet-b0"),
    ("smp", "unet", "tu-mobilenetv3_small_100"),
    ("torchvision", "fcn_resnet50", None),
]


def step(network):
    """Gradients and buffers after a forward and a backward pass."""
    torch.manual_seed(3)
    batch = torch.randn(2, 3, 64, 64)
    logits_of(network(batch)).square().mean().backward()
    gradients = {key: p.grad for key, p in network.named_parameters() if p.grad is not None}
    return gradients, dict(network.named_buffers())


@pytest.mark.parametrize(("library", "arch", "encoder"), NETWORKS)
def test_a_step_is_the_same_with_less_kept(library, arch, encoder, monkeypatch):
    torch.manual_seed(0)
    spec = NetworkSpec(library=library, arch=arch, encoder=encoder)
    plain = build_network(spec, in_channels=3, num_classes=2).train()
    again = copy.deepcopy(plain)
    checkpoint_encoder(again)
    calls = []

    def counted(*args, **options):
        calls.append(args)
        return torch_checkpoint.checkpoint(*args, **options)

    monkeypatch.setattr(checkpointing, "checkpoint", counted)
    (expected, buffers), (found, counted_once) = step(plain), step(again)

    assert len(calls) >= 4
    assert list(found) == list(expected)
    for key, gradient in expected.items():
        assert_close(found[key], gradient, atol=1e-5, rtol=1e-3)
    for key, buffer in buffers.items():
        assert_close(counted_once[key], buffer, atol=1e-6, rtol=1e-5)
    calls.clear()
    again.eval()(torch.zeros(1, 3, 64, 64))
    assert calls == []
    assert list(again.state_dict()) == list(plain.state_dict())


def test_a_network_without_rows_of_blocks_is_refused():
    with pytest.raises(ConfigError, match=r"no blocks in a row .*checkpointing: none"):
        checkpoint_encoder(nn.Conv2d(3, 2, 1))
