"""Whether a member's network exists and takes its input, found out without computing anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ensemble.errors import ConfigError, few
from ensemble.files.faults import Fault
from ensemble.members.encoder_choice import working_encoders
from ensemble.members.manifest import NetworkSpec
from ensemble.members.network_options import check_options, takes_timm_options
from ensemble.members.networks import (
    FORWARD_REFUSALS,
    build_network,
    check_arch,
    check_channels,
    check_encoder,
    logits_of,
    network_stride,
    refusal_text,
)
from models_zoo.checkpointing import checkpoint_encoder
from models_zoo.settings.member_spec import MemberSpec

# Unlike the default of any library, so that a network which overlooks the number is found.
_NUM_CLASSES = 7
# What `batch: auto` tries first: some layers take no less.
_LEAST_AUTO = 2


def network_fault(spec: MemberSpec) -> Fault | None:
    """The first thing wrong with a member's network, at the key to change, or None."""
    if (fault := _unknown_name(spec)) is not None:
        return fault
    try:
        check_options(spec.network)
        network = build_network(spec.network, in_channels=spec.channels, num_classes=_NUM_CLASSES)
    except ConfigError as error:
        return _refused_pair(spec, error)
    stride = network_stride(network)
    if any(side % stride for side in spec.size):
        near = " and ".join(str(max(round(side / stride), 1) * stride) for side in spec.size)
        return Fault(
            ("size",),
            f"must be a multiple of {stride} for {spec.arch}, got {_sides(spec)}; {near} fit",
        )
    if spec.checkpointing == "encoder":
        if spec.compile:
            return Fault(("compile",), "torch does not compile what checkpointing computes again")
        try:
            checkpoint_encoder(network)
        except ConfigError as error:
            return Fault(("checkpointing",), str(error))
    return _refused_input(spec, network, asked_share(spec))


def asked_share(spec: MemberSpec) -> int:
    """Inputs in a batch of each device; of `batch: auto` the least that is tried first."""
    return _LEAST_AUTO if spec.batch == "auto" else spec.batch // spec.devices


def takes_share(spec: MemberSpec, share: int) -> bool:
    """Whether a sound spec's network learns from so many inputs in a batch of each device."""
    network = build_network(spec.network, in_channels=spec.channels, num_classes=_NUM_CLASSES)
    return _refused_input(spec, network, share) is None


def _unknown_name(spec: MemberSpec) -> Fault | None:
    """What the library has nothing of, at its key, or None."""
    checks: Sequence[tuple[str, Callable[[NetworkSpec], None]]] = (
        ("arch", check_arch),
        ("encoder", check_encoder),
        ("channels", lambda network: check_channels(network, spec.channels)),
    )
    for key, check in checks:
        try:
            check(spec.network)
        except ConfigError as error:
            return Fault((key,), str(error))
    return None


def _refused_pair(spec: MemberSpec, error: ConfigError) -> Fault:
    """Why a network cannot be built: of its encoder where others would do, which are named."""
    others = working_encoders(spec.network, in_channels=spec.channels)
    if not others:
        return Fault((_built_from(spec),), str(error))
    return Fault(("encoder",), f"{error}; of those tried, {few(others, len(others))} work")


def _refused_input(spec: MemberSpec, network: torch.nn.Module, share: int) -> Fault | None:
    """Shapes alone, on the meta device: a training batch, as the strictest layers see it."""
    batch = torch.empty(share, spec.channels, *spec.size, device="meta")
    try:
        with torch.no_grad():
            logits = logits_of(network.to("meta").train()(batch))
    except FORWARD_REFUSALS as error:
        key = "batch" if needs_larger_batch(error) else "size"
        reason = refusal_text(error)
        return Fault((key,), f"{spec.arch} does not take {share} x {_sides(spec)}: {reason}")
    expected = (share, _NUM_CLASSES, *spec.size)
    if tuple(logits.shape) != expected:
        return Fault(
            (_built_from(spec),),
            f"{spec.arch} answers with another shape than (images, classes, height, width): "
            f"expected {expected}, got {tuple(logits.shape)}",
        )
    return None


def needs_larger_batch(error: Exception) -> bool:
    """Whether BatchNorm refused to train on a single value of each channel."""
    return "more than 1 value per channel" in str(error)


def _built_from(spec: MemberSpec) -> str:
    """The key that most likely decides what is built."""
    if spec.options:
        return "options"
    return "encoder" if takes_timm_options(spec.network) else "arch"


def _sides(spec: MemberSpec) -> str:
    return " x ".join(map(str, spec.size))
