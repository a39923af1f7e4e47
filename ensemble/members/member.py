"""A member at work: a network on a device that turns prepared images into soft maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from ensemble.errors import DeviceError, EnsError, MemberError
from ensemble.members.file import read_member
from ensemble.members.manifest import Manifest
from ensemble.members.networks import (
    FORWARD_REFUSALS,
    build_network,
    load_weights,
    logits_of,
    refusal_text,
)

FusionSpace = Literal["prob", "logit"]
Precision = Literal["fp32", "bf16"]

# Inputs that go through a network together where nothing is said. Two inputs at once took as long
# as one after the other on a CPU; a GPU needs several to be busy.
_AT_ONCE = {"cuda": 8}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How networks are run: `precision` bf16 is autocast, about 1e-2 off in logits; `compiled` by
    torch.compile, which pays for itself after some hundred images; `at_once`: inputs (views,
    windows) that go through a network together, None for what suits the device.
    """

    precision: Precision = "fp32"
    compiled: bool = False
    at_once: int | None = None


class Member:
    """A trained network with its manifest.

    `maps` answers (N, channels, h, w) float32 network input with soft maps (N, C, h, w) float32:
    probabilities in the space "prob", logits (log-softmax for exclusive classes) in "logit".
    """

    def __init__(
        self,
        manifest: Manifest,
        network: nn.Module,
        *,
        device: torch.device,
        sha256: str = "",
        options: RunOptions = RunOptions(),
    ) -> None:
        self.manifest = manifest
        self.sha256 = sha256
        self.device = device
        # convolutions over pixels whose channels lie together were up to 1.3 times faster
        self.network = network.to(device).to(memory_format=torch.channels_last).eval()
        self.at_once = options.at_once or _AT_ONCE.get(device.type, 1)
        self._precision = options.precision
        self._forward = torch.compile(self.network) if options.compiled else self.network

    @property
    def name(self) -> str:
        """The name in its manifest."""
        return self.manifest.name

    @torch.inference_mode()
    def maps(self, batch: Tensor, space: FusionSpace) -> Tensor:
        """Soft maps of a batch; raises MemberError for another size or a value not finite."""
        logits = self._logits(batch)
        expected = (len(batch), len(self.manifest.class_list), *batch.shape[2:])
        if logits.shape != expected:
            raise MemberError(
                "the network's output has another shape",
                expected=expected,
                got=tuple(logits.shape),
            )
        if not torch.isfinite(logits).all():
            raise MemberError("the network's output is not finite (NaN or infinite)")
        return activate(logits, self.manifest.class_list.exclusive, space)

    def _logits(self, batch: Tensor) -> Tensor:
        try:
            with torch.autocast(
                self.device.type, torch.bfloat16, enabled=self._precision == "bf16"
            ):
                return logits_of(self._forward(batch)).float()
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"out of memory at an input of {tuple(batch.shape)}",
                remedy="free the device, drop the larger scales of --tta, or use --device cpu",
            ) from error
        except FORWARD_REFUSALS as error:
            height, width = batch.shape[2:]
            raise MemberError(
                f"the network cannot take an input of {height} x {width}: {refusal_text(error)}",
            ) from error


def activate(logits: Tensor, exclusive: bool, space: FusionSpace) -> Tensor:
    """Logits (N, C, h, w) to the space in which they are summed; exact inverses of each other."""
    if space == "prob":
        return logits.softmax(1) if exclusive else logits.sigmoid()
    return logits.log_softmax(1) if exclusive else logits


def load_member(path: Path, device: torch.device, options: RunOptions = RunOptions()) -> Member:
    """Load a member file onto a device; raises MemberError with the path."""
    stored = read_member(path)
    manifest = stored.manifest
    try:
        network = build_network(
            manifest.network,
            in_channels=manifest.input.channels,
            num_classes=len(manifest.class_list),
        )
        load_weights(network, stored.state_dict)
    except EnsError as error:
        raise MemberError(str(error), where=path) from error
    return Member(manifest, network, device=device, sha256=stored.sha256, options=options)
