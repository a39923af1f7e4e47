"""Which encoders are named to somebody whose pair of architecture and encoder does not exist."""

import pytest

from ensemble.errors import ConfigError
from ensemble.members.encoder_choice import COMMON_ENCODERS, working_encoders
from ensemble.members.manifest import NetworkSpec
from ensemble.members.networks import build_network


def _spec(arch, encoder, **options):
    return NetworkSpec(library="smp", arch=arch, encoder=encoder, options=options)


@pytest.mark.parametrize(
    ("arch", "encoder", "refused"),
    [
        ("linknet", "mit_b0", {"mit_b2"}),
        ("unetplusplus", "mit_b0", {"mit_b2"}),
        ("pan", "vgg11", {"vgg16_bn", "densenet121"}),
        ("dpt", "resnet18", {name for name in COMMON_ENCODERS if not name.startswith("tu-")}),
    ],
)
def test_those_that_work_can_be_built_and_the_others_cannot(arch, encoder, refused):
    spec = _spec(arch, encoder)
    with pytest.raises(ConfigError, match=f"cannot build {arch} with encoder {encoder}"):
        build_network(spec, in_channels=3, num_classes=2)
    working = working_encoders(spec, in_channels=3)
    assert set(COMMON_ENCODERS) - set(working) == refused
    assert working == [name for name in COMMON_ENCODERS if name in working]
    for name in refused:
        with pytest.raises(ConfigError, match="cannot build"):
            build_network(_spec(arch, name), in_channels=3, num_classes=2)


def test_options_that_no_encoder_takes_leave_none():
    assert working_encoders(_spec("unet", "resnet18", decoder_channels=3), in_channels=3) == []
    assert working_encoders(_spec("unet", "resnet18", classes=3), in_channels=3) == []
