import pytest
import torch
from torch import nn

from models_zoo.settings.member_spec import MemberSpec
from models_zoo.training.optimisation import learning_rate_share, new_optimizer


def test_the_learning_rate_rises_evenly_and_falls_as_a_cosine():
    shares = [learning_rate_share(step, "cosine", warmup=4, total=24) for step in range(25)]

    assert shares[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert shares[14] == pytest.approx(0.5)
    assert shares[24] == pytest.approx(0.0)
    assert shares[4:] == sorted(shares[4:], reverse=True)


def test_a_polynomial_schedule_falls_to_nothing():
    shares = [learning_rate_share(step, "poly", warmup=4, total=24) for step in range(25)]

    assert shares[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert shares[14] == pytest.approx(0.5**0.9)
    assert shares[24:] == [0.0]


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_an_optimizer_decays_what_multiplies_and_nothing_else(name):
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    spec = MemberSpec(arch="unet", optimizer=name, lr=0.1, weight_decay=0.5)
    optimizer = new_optimizer(network, spec)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    after = list(network.parameters())
    torch.testing.assert_close(after[0], before[0] * (1 - 0.1 * 0.5 * _shares(name)))
    assert all(torch.equal(a, b) for a, b in zip(after[1:], before[1:], strict=True))


def _shares(name):
    """Nesterov's step looks ahead by the momentum."""
    return 1.9 if name == "sgd" else 1.0
