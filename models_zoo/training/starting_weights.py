"""`weights: FILE`: a network begins with weights of another training, or its encoder does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from ensemble.errors import ConfigError, MemberError, few
from models_zoo.adopt.fitting import COUNTER, find_prefix
from models_zoo.adopt.sources import read_source
from models_zoo.adopt.tensors import Tensors, to_float32

# Under which names networks of smp and of torchvision, and our own, have their encoder.
_ENCODERS = ("encoder.", "backbone.")
# Where `Learner` keeps the network, and the moving average of its weights, which is what is scored.
_TRAINED, _AVERAGE = "network.", "average.module."
_SHOWN = 3
_NEARLY_ALL = 0.9
_REMEDY = "name the arch, encoder and options with which it was trained, or weights: none"
_CHOOSE = "save the one you want as a file of its own"


@dataclass(frozen=True, slots=True)
class Start:
    """Weights by the names of a network that begins with them, and what a person should know."""

    weights: Tensors
    notes: tuple[str, ...] = ()


def start_from(network: nn.Module, path: Path) -> None:
    """Load a checkpoint of the same network, or of its encoder alone, under whatever prefix.

    A last layer for another number of classes begins anew. Anything else must be there and fit, and
    of a file that holds nearly all of the network it must be all:
    raises MemberError that names what is not, ConfigError for a file that holds it twice.
    """
    network.load_state_dict(network.state_dict() | find_start(network, path).weights)


def find_start(network: nn.Module, path: Path) -> Start:
    """What `start_from` would load; raises as it does, and changes nothing."""
    found, _ = to_float32(read_source(path, choose=_CHOOSE).tensors)
    notes = []
    if {_TRAINED, _AVERAGE} <= {p for p in (_TRAINED, _AVERAGE) for k in found if k.startswith(p)}:
        found = {key: tensor for key, tensor in found.items() if key.startswith(_AVERAGE)}
        notes.append(f"begins with the moving average of weights in {path.name}")
    try:
        start = _whole_or_encoder(network.state_dict(), found, path)
    except ConfigError as error:
        raise ConfigError(error.what, where=path, got=error.got, remedy=_CHOOSE) from error
    return Start(start.weights, (*notes, *start.notes))


def _whole_or_encoder(own: Mapping[str, Tensor], found: Tensors, path: Path) -> Start:
    """All weights of a network, else those of its encoder; raises MemberError for neither."""
    try:
        whole = _fitting(own, found)
    except MemberError as error:
        prefix = next((p for p in _ENCODERS if any(key.startswith(p) for key in own)), "")
        encoder = {k.removeprefix(prefix): t for k, t in own.items() if k.startswith(prefix)}
        refused = MemberError(
            error.what, where=path, expected=error.expected, got=error.got, remedy=_REMEDY
        )
        try:
            below = _fitting(encoder, found, has_head=False)
        except MemberError:
            raise refused from error
        others = {k: t for k, t in own.items() if not k.startswith(prefix)}
        if _is_nearly_all_of(others, found):
            raise refused from error
        note = f"begins with the encoder of {path.name} alone: as a whole it {error.what}"
        return Start({prefix + key: tensor for key, tensor in below.items()}, (note,))
    resized = [key for key in own if key not in whole and not key.endswith(COUNTER)]
    heads = sorted({key.partition(".")[0] for key in resized})
    note = f"{' and '.join(heads)}: begins anew, for another number of classes"
    return Start(whole, (note,) if heads else ())


def _is_nearly_all_of(others: Mapping[str, Tensor], found: Tensors) -> bool:
    """Whether a file holds nearly all weights beside the encoder, in their shapes.

    Then it is of the same network, cut off or with a part more, and no encoder to begin with.
    """
    there = {(ending, tensor.shape) for key, tensor in found.items() for ending in _endings(key)}
    count = sum((key, tensor.shape) in there for key, tensor in others.items())
    return count >= _NEARLY_ALL * len(others)


def _endings(key: str) -> list[str]:
    """The name of a weight without none, one, two, ... of the modules that it lies in."""
    parts = key.split(".")
    return [".".join(parts[i:]) for i in range(len(parts))]


def _fitting(own: Mapping[str, Tensor], found: Tensors, *, has_head: bool = True) -> Tensors:
    """The weights of `own` among what was found, but for those of the last layers.

    With `has_head` these may be of another number of classes, the first length of their shapes.
    """
    prefix = find_prefix(own, found)
    there = {key: found[prefix + key] for key in own if prefix + key in found}
    modules = {key.partition(".")[0] for key in own}
    below = [key.removeprefix(prefix) for key in found if key.startswith(prefix)]
    extra = [key for key in below if key not in own and key.partition(".")[0] in modules]
    if extra:
        raise MemberError(
            "has more layers than the network",
            got=few(extra, _SHOWN),
            remedy=_REMEDY,
        )
    other = [key for key, tensor in there.items() if tensor.shape != own[key].shape]
    numbers = {(own[key].shape[0], there[key].shape[0]) for key in other}
    same_but_first = all(own[key].shape[1:] == there[key].shape[1:] for key in other)
    if other and not (has_head and same_but_first and len(numbers) == 1):
        raise MemberError(
            "has weights of other shapes",
            got=few([f"{key} {tuple(there[key].shape)}" for key in other]),
            expected=few([str(tuple(own[key].shape)) for key in other]),
            remedy=_REMEDY,
        )
    return {key: tensor for key, tensor in there.items() if key not in other}
