"""Every architecture is built, learns a step, is stored, loaded, and predicts."""

import pytest
import torch
from torch.testing import assert_close

from ensemble.classes import ClassList
from ensemble.members.file import write_member
from ensemble.members.member import load_member
from ensemble.members.networks import (
    aux_logits_of,
    build_network,
    for_prediction,
    logits_of,
    network_stride,
    smp_archs,
)
from ensemble.members.torchvision_networks import torchvision_archs, without_aux
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.settings.network_check import network_fault
from models_zoo.training.learner import batch_loss
from models_zoo.training.optimisation import new_optimizer

CPU = torch.device("cpu")
CLASSES = ClassList(("a", "b", "c"))
# Where the default encoder does not fit, and the smallest inputs that do.
ENCODERS = {"dpt": "tu-vit_tiny_patch16_224", "segformer": "mit_b0"}
OPTIONS = {"dpt": {"dynamic_img_size": True}, "fcn_resnet50": {"aux_loss": True}}
SPECS = [
    *(MemberSpec(arch=name, encoder=ENCODERS.get(name, "resnet18")) for name in smp_archs()),
    *(MemberSpec(arch=f"torchvision/{name}") for name in torchvision_archs() if "101" not in name),
    *(MemberSpec(arch="ens/segformer", encoder=f"mit_b{size}") for size in (0, 2)),
    *(MemberSpec(arch=f"torchvision/{arch}", encoder="resnet18") for arch in ("fcn", "deeplabv3")),
]


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.full_name)
def test_an_architecture_learns_and_becomes_a_member(tmp_path, spec):
    size = (128, 160) if spec.arch in ("pan", "dpt") else (64, 96)
    spec = spec.model_copy(
        update={"size": size, "batch": 2, "options": OPTIONS.get(spec.arch, {}), "lr": 1e-3}
    )
    assert network_fault(spec) is None
    torch.manual_seed(0)
    network = build_network(spec.network, in_channels=3, num_classes=3)
    generator = torch.Generator().manual_seed(1)
    batch = {
        "image": torch.randint(0, 256, (2, *size, 3), dtype=torch.uint8, generator=generator),
        "planes": torch.randint(0, 8, (2, 1, *size), dtype=torch.int32, generator=generator),
        "ignored": torch.zeros(2, *size, dtype=torch.bool),
    }
    optimizer = new_optimizer(network, spec)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    loss = batch_loss(network, batch, spec, CLASSES)
    loss.backward()
    optimizer.step()
    assert torch.isfinite(loss)
    learnt = [key for key, value in network.state_dict().items() if (value != before[key]).any()]
    assert len(learnt) > 0.8 * len([p for p in network.parameters() if p.grad is not None])

    kept = for_prediction(spec.network)
    manifest = spec.manifest(CLASSES, stride=network_stride(network))
    manifest = manifest.model_copy(update={"network": kept})
    write_member(tmp_path / "a.pt", manifest, without_aux(network.state_dict()))
    member = load_member(tmp_path / "a.pt", CPU)

    inputs = torch.randn(1, 3, *size, generator=generator)
    with torch.no_grad():
        output = network.eval()(inputs)
        assert aux_logits_of(member.network(inputs)) is None
    maps = member.maps(inputs, "prob")
    assert maps.shape == (1, 3, *size)
    assert_close(maps, logits_of(output).sigmoid(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", range(6))
def test_segformers_of_all_sizes_answer_at_the_size_of_their_input(size):
    spec = MemberSpec(arch="ens/segformer", encoder=f"mit_b{size}", size=(64, 96))
    assert network_fault(spec) is None
