"""Which encoders an architecture takes, for those who named one that it refuses."""

from __future__ import annotations

import warnings

import torch

from ensemble.errors import ConfigError
from ensemble.members.manifest import NetworkSpec
from ensemble.members.networks import build_network

# One or two of each family: those that take inputs of any size.
COMMON_ENCODERS = (
    *("resnet34", "resnet50", "se_resnext50_32x4d", "efficientnet-b3", "mobilenet_v2", "mit_b2"),
    *("tu-convnext_tiny", "tu-regnety_032", "tu-resnet34", "tu-efficientnet_b3"),
    *("densenet121", "vgg16_bn"),
)
# These compute rates of dropout while they are built, which takes real numbers.
_COMPUTES = "mit_"


def working_encoders(spec: NetworkSpec, *, in_channels: int) -> list[str]:
    """The common encoders with which a network could be built instead of its own.

    Each is built once, without memory for its weights: some seconds in all.
    """
    return [name for name in COMMON_ENCODERS if _can_be_built(spec, name, in_channels)]


def _can_be_built(spec: NetworkSpec, encoder: str, in_channels: int) -> bool:
    other = spec.model_copy(update={"encoder": encoder})
    device = "cpu" if encoder.startswith(_COMPUTES) else "meta"
    try:
        with torch.device(device), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # advice on options, for nobody here
            build_network(other, in_channels=in_channels, num_classes=1)
    except ConfigError:
        return False
    return True
