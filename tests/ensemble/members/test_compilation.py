import copy

import pytest
import torch
from torch import nn

from ensemble.errors import MemberError
from ensemble.members import compilation
from ensemble.members.compilation import compilation_stated, compile_network


@pytest.fixture
def without_compiler(monkeypatch):
    """Networks are traced with their gradients, but no C++ is made of them."""
    monkeypatch.setattr(compilation, "_BACKEND", "aot_eager")
    yield
    torch.compiler.reset()


def test_a_compiled_network_has_the_same_weights_and_gradients(without_compiler):
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))
    compiled = copy.deepcopy(plain)
    compile_network(compiled)
    batch = torch.randn(2, 3, 8, 8)

    for network in (plain, compiled):
        network(batch).square().mean().backward()

    assert list(compiled.state_dict()) == list(plain.state_dict())
    for own, other in zip(compiled.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(own.grad, other.grad)
    assert not hasattr(copy.deepcopy(plain), "_orig_mod")


def test_what_cannot_be_compiled_is_one_line(monkeypatch):
    def no_compiler(graph, inputs):
        raise OSError("no C++ compiler\nand much more")

    monkeypatch.setattr(compilation, "_BACKEND", no_compiler)
    network = nn.Conv2d(3, 2, 1)
    compile_network(network)
    with (
        pytest.raises(MemberError, match=r"^unet: torch cannot compile .*no C\+\+ .*leave compile"),
        compilation_stated("unet"),
    ):
        network(torch.zeros(1, 3, 4, 4))
    torch.compiler.reset()


def test_other_errors_pass():
    with pytest.raises(KeyError), compilation_stated("unet"):
        raise KeyError("a")
