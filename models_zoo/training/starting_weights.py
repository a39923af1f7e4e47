"""`weights: FILE`: a network begins with weights of another training, or its encoder does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from ensemble.errors import MemberError, few
from models_zoo.adopt.fitting import find_prefix
from models_zoo.adopt.sources import read_source
from models_zoo.adopt.tensors import Tensors, to_float32

# Under which names networks of smp and of torchvision, and our own, have their encoder.
_ENCODERS = ("encoder.", "backbone.")
_SHOWN = 3
_REMEDY = "name the arch, encoder and options with which it was trained, or weights: none"


def start_from(network: nn.Module, path: Path) -> None:
    """Load a checkpoint of the same network, or of its encoder alone, under whatever prefix.

    A last layer for another number of classes begins anew. Anything else must be there and fit:
    raises MemberError that names what is not, ConfigError for a file that holds it twice.
    """
    found, _ = to_float32(read_source(path).tensors)
    own = network.state_dict()
    prefix = next((p for p in _ENCODERS if any(key.startswith(p) for key in own)), "")
    try:
        fitting = _fitting(own, found)
    except MemberError as error:
        encoder = {k.removeprefix(prefix): t for k, t in own.items() if k.startswith(prefix)}
        try:
            below = _fitting(encoder, found, has_head=False)
        except MemberError:
            raise MemberError(
                error.what, where=path, expected=error.expected, got=error.got, remedy=_REMEDY
            ) from error
        fitting = {prefix + key: tensor for key, tensor in below.items()}
    network.load_state_dict(own | fitting)


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
