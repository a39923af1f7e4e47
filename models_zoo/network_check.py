"""Whether a member's network exists and takes its input, found out without computing anything."""

from __future__ import annotations

import inspect

import segmentation_models_pytorch as smp
import torch

from ensemble.errors import ConfigError
from ensemble.members.networks import build_network, check_network, logits_of, network_stride
from models_zoo.member_spec import MemberSpec
from models_zoo.yaml_document import Fault


def network_fault(spec: MemberSpec) -> Fault | None:
    """The first thing wrong with a member's network, at the key to change, or None."""
    try:
        check_network(spec.network, in_channels=spec.channels)
    except ConfigError as error:
        return Fault((_key_of(spec, error),), str(error))
    try:
        _refuse_unknown_options(spec)
        network = build_network(spec.network, in_channels=spec.channels, num_classes=2)
    except ConfigError as error:
        return Fault(("options" if spec.options else "arch",), str(error))
    except (RuntimeError, AttributeError) as error:  # how timm refuses the encoders of "tu-"
        return Fault(("encoder",), f"timm does not build {spec.encoder}: {error}")
    stride = network_stride(network)
    if any(side % stride for side in spec.size):
        near = " and ".join(str(max(round(side / stride), 1) * stride) for side in spec.size)
        return Fault(
            ("size",),
            f"must be a multiple of {stride} for {spec.arch}, got {_sides(spec)}; {near} fit",
        )
    return _refused_input(spec, network)


def _refused_input(spec: MemberSpec, network: torch.nn.Module) -> Fault | None:
    """Shapes alone, on the meta device: a training batch, as the strictest layers see it."""
    batch = torch.empty(spec.batch, spec.channels, *spec.size, device="meta")
    try:
        with torch.no_grad():
            logits = logits_of(network.to("meta").train()(batch))
    except (RuntimeError, ValueError, AssertionError) as error:  # timm asserts sizes
        key = "batch" if "more than 1 value per channel" in str(error) else "size"
        return Fault((key,), f"{spec.arch} does not take {spec.batch} x {_sides(spec)}: {error}")
    if tuple(logits.shape[2:]) != spec.size:
        return Fault(
            ("arch",),
            f"answers {tuple(logits.shape[2:])} to an input of {_sides(spec)}; expected its size",
        )
    return None


def _refuse_unknown_options(spec: MemberSpec) -> None:
    """Find typing errors: smp hands what it does not know to the encoder, which swallows it."""
    if spec.library != "smp" or (spec.encoder or "").startswith("tu-"):
        return
    known = inspect.signature(smp.MODEL_ARCHITECTURES_MAPPING[spec.arch]).parameters
    if unknown := sorted(set(spec.options) - set(known)):
        raise ConfigError(
            f"{spec.arch} has no option {', '.join(unknown)}", expected=f"of {', '.join(known)}"
        )


def _key_of(spec: MemberSpec, error: ConfigError) -> str:
    if error.what.startswith("unknown encoder") or "encoder" in str(error.got):
        return "encoder"
    return "channels" if "channels" in error.what else "arch"


def _sides(spec: MemberSpec) -> str:
    return " x ".join(map(str, spec.size))
