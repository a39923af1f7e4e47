"""A member at work: a network on a device that turns prepared images into soft maps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from ensemble.errors import DeviceMemoryError, EnsError, MemberError
from ensemble.fusion_space import PROB_FLOOR, FusionSpace
from ensemble.members.compilation import compilation_stated, compile_network
from ensemble.members.file import MemberFile, read_member
from ensemble.members.manifest import Manifest
from ensemble.members.networks import (
    FORWARD_REFUSALS,
    build_network,
    load_weights,
    logits_of,
    refusal_text,
)
from ensemble.memory import give_back, is_out_of_memory

Precision = Literal["fp32", "bf16"]

# Inputs that go through a network together where nothing is said. Two inputs at once took as long
# as one after the other on a CPU; a GPU needs several to be busy.
_AT_ONCE = {"cuda": 8}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How and where networks are run.

    `device`: "auto" is CUDA where there is one. `precision` bf16 is autocast, about 1e-2 off in
    logits. `compiled`: by torch.compile, which pays for itself after some hundred images.
    `at_once`: inputs (views, windows) that go through a network together, None for what suits the
    device. `max_bytes`: the most memory to use of the device, for a CPU that of the process.
    """

    device: str = "auto"
    precision: Precision = "fp32"
    compiled: bool = False
    at_once: int | None = None
    max_bytes: int | None = None


PLAIN = RunOptions()


class Member:
    """A trained network with its manifest.

    `maps` answers (N, channels, h, w) float32 network input with soft maps (N, C, h, w) float32:
    probabilities in the space "prob", logits (log-softmax for exclusive classes) in "logit", where
    none is surer than PROB_FLOOR.
    """

    def __init__(
        self,
        manifest: Manifest,
        network: nn.Module | None,
        *,
        device: torch.device,
        sha256: str = "",
        path: Path | None = None,
        options: RunOptions = PLAIN,
    ) -> None:
        self.manifest = manifest
        self.device = device
        self.sha256 = sha256
        self.at_once = options.at_once or _AT_ONCE.get(device.type, 1)
        self.precision = options.precision
        self._options = options
        self._path = path
        self._network: nn.Module | None = None
        if network is not None:
            self._install(network)

    @property
    def is_loaded(self) -> bool:
        """Whether the network is there, and not only in its file."""
        return self._network is not None

    @property
    def network(self) -> nn.Module:
        """The network, on its device."""
        if self._network is None:
            raise RuntimeError(f"{self.name} was released and not restored")
        return self._network

    def release(self) -> None:
        """Free what the network takes until `restore`; a member without a file keeps it."""
        if self._path is not None:
            self._network = None
            give_back(self.device)

    def restore(self) -> None:
        """Load a network that was released; raises MemberError if its file has changed since."""
        if self._network is None and self._path is not None:
            stored = read_member(self._path)
            if stored.sha256 != self.sha256:
                raise MemberError("was changed while it was in use", where=self._path)
            with _placed(self._path):
                self._install(_network_of(stored))

    def _install(self, network: nn.Module) -> None:
        # convolutions over pixels whose channels lie together were up to 1.3 times faster
        network = network.to(self.device).to(memory_format=torch.channels_last).eval()
        if self._options.compiled:
            compile_network(network)
        self._network = network

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
        # twenty times faster than isfinite of all; a NaN is its own extreme
        if not torch.isfinite(torch.stack(torch.aminmax(_as_stored(logits)))).all():
            raise MemberError("the network's output is not finite (NaN or infinite)")
        return activate_(logits, self.manifest.class_list.exclusive, space)

    def _logits(self, batch: Tensor) -> Tensor:
        try:
            bf16 = self.precision == "bf16"
            autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=bf16)
            with autocast, compilation_stated():
                return logits_of(self.network(batch)).float()
        except MemberError:
            raise
        except FORWARD_REFUSALS as error:
            if is_out_of_memory(error):
                raise DeviceMemoryError(
                    f"out of memory at an input of {tuple(batch.shape)}",
                    remedy="free the device, drop the larger scales of --tta, or use --device cpu",
                ) from error
            height, width = batch.shape[2:]
            raise MemberError(
                f"the network cannot take an input of {height} x {width}: {refusal_text(error)}",
            ) from error


def _as_stored(maps: Tensor) -> Tensor:
    """Maps (N, C, h, w) with their axes in the order of memory: to be read at once, not copied."""
    is_last = maps.is_contiguous(memory_format=torch.channels_last)
    return maps.permute(0, 2, 3, 1) if is_last else maps


def activate_(logits: Tensor, exclusive: bool, space: FusionSpace) -> Tensor:
    """Logits (N, C, h, w) to the space in which they are summed; their memory is used for it.

    "prob" gives p; "logit" gives log p, p >= PROB_FLOOR, for exclusive classes, and for overlapping
    ones logit p, PROB_FLOOR <= p <= 1 - PROB_FLOOR.
    """
    if space == "prob":
        return logits.softmax(1) if exclusive else logits.sigmoid_()
    if exclusive:
        return logits.log_softmax(1).clamp_(min=math.log(PROB_FLOOR))
    limit = math.log1p(-PROB_FLOOR) - math.log(PROB_FLOOR)
    return logits.clamp_(-limit, limit)


def load_member(
    path: Path, device: torch.device, options: RunOptions = PLAIN, *, released: bool = False
) -> Member:
    """Load a member file onto a device; raises MemberError with the path, DeviceMemoryError.

    `released` leaves the network in its file until `restore`.
    """
    stored = read_member(path)
    with _placed(path):
        return Member(
            stored.manifest,
            None if released else _network_of(stored),
            device=device,
            sha256=stored.sha256,
            path=path,
            options=options,
        )


@contextmanager
def _placed(path: Path) -> Iterator[None]:
    """Errors of building a network name its file, those of memory too."""
    try:
        yield
    except EnsError as error:
        raise MemberError(str(error), where=path) from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise DeviceMemoryError("out of memory for its weights", where=path) from error
        raise


def _network_of(stored: MemberFile) -> nn.Module:
    manifest = stored.manifest
    network = build_network(
        manifest.network,
        in_channels=manifest.input.channels,
        num_classes=len(manifest.class_list),
    )
    load_weights(network, stored.state_dict)
    return network
