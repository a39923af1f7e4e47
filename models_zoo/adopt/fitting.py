"""Weights under any prefix, brought to the names of a network: all of them, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ensemble.errors import ConfigError, MemberError, few
from ensemble.progress import Tell, unheard
from ensemble.wording import counted
from models_zoo.adopt.tensors import Tensors

# Heads that only training needs, and counters that older programs did not keep.
_TRAINING_ONLY = ("aux_classifier.", "classification_head.")
COUNTER = "num_batches_tracked"
_SHOWN = 3
_OTHER_NETWORK = "name its own --arch and --encoder, and --options that differ from the defaults"


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights by the names of the network, and what a person should know of how they were found."""

    state_dict: Tensors
    notes: tuple[str, ...]


def fit_to(
    own: Mapping[str, Tensor], found: Tensors, prefix: str | None = None, *, tell: Tell = unheard
) -> Fitted:
    """The weights among `found` that are those of a network whose own are `own`.

    Without `prefix` it is the one under which all of them lie. Raises ConfigError where there are
    several such or none, MemberError that names what is lacking, left over or of another shape;
    `tell` hears all of these by name where an error has no room for them.
    """
    if prefix is None:
        prefix = find_prefix(own, found, tell=tell)
    below = {k.removeprefix(prefix): t for k, t in found.items() if k.startswith(prefix)}
    beside = [key for key in found if not key.startswith(prefix)]
    dropped = [key for key in below if key not in own and key.startswith(_TRAINING_ONLY)]
    kept = {key: tensor for key, tensor in below.items() if key not in dropped}
    counters = [key for key in own if key.endswith(COUNTER) and key not in kept]
    kept |= {key: own[key] for key in counters}
    _check(own, kept, tell)
    notes = [f"weights lie under {prefix!r}"] if prefix else []
    if dropped:
        heads = sorted({key.partition(".")[0] for key in dropped})
        notes.append(f"left aside, since only training needs it: {few(heads)}")
    if beside:
        modules = Counter(key.partition(".")[0] for key in beside)
        notes.append("left aside, beside the network: " + few(sorted(modules)))
    return Fitted(kept, tuple(notes))


def find_prefix(own: Mapping[str, Tensor], found: Tensors, *, tell: Tell = unheard) -> str:
    """The one prefix under which all weights of a network lie, whatever their shape.

    Raises ConfigError for several such prefixes, MemberError that names what is lacking for none,
    of which `tell` hears all.
    """
    wanted = [key for key in own if not key.endswith(COUNTER)]
    first = wanted[0]
    prefixes = [key.removesuffix(first) for key in found if _ends_with(key, first)]
    complete = [p for p in prefixes if all(p + key in found for key in wanted)]
    if len(complete) > 1:
        raise ConfigError(
            "holds the network's weights more than once",
            got="under " + " and ".join(map(repr, complete)),
            remedy="say which with --prefix",
        )
    if complete:
        return complete[0]
    nearest = max(prefixes, key=lambda p: sum(p + key in found for key in wanted), default="")
    lacking = [key for key in wanted if nearest + key not in found]
    _tell_all("lacks", [nearest + key for key in lacking], tell)
    under = f" under {nearest!r}" if nearest else ""
    there = len(wanted) - len(lacking)
    raise MemberError(
        f"holds another network: {there} of its {len(wanted)} weights are there{under}",
        expected=few([nearest + key for key in lacking], _SHOWN),
        got=few(sorted(found), _SHOWN),
        remedy=_OTHER_NETWORK,
    )


def _ends_with(key: str, name: str) -> bool:
    return key == name or key.endswith(f".{name}")


def _check(own: Mapping[str, Tensor], kept: Mapping[str, Tensor], tell: Tell) -> None:
    """Raise MemberError unless these are exactly the weights of the network."""
    lacking = [key for key in own if key not in kept]
    extra = [key for key in kept if key not in own]
    wrong = [key for key in own if key in kept and kept[key].shape != own[key].shape]
    shapes = _shapes(wrong, own, kept)
    _tell_all("lacks", lacking, tell)
    _tell_all("has left over", extra, tell)
    _tell_all("has another shape in", shapes, tell)
    for what, keys in (("lacks", lacking), ("has left over", extra)):
        if keys:
            raise MemberError(
                f"{what} {counted(len(keys), 'weight')}",
                got=few(keys, _SHOWN),
                remedy=_OTHER_NETWORK,
            )
    if wrong:
        _refuse_shapes(wrong, own, kept)


def _shapes(
    wrong: Sequence[str], own: Mapping[str, Tensor], kept: Mapping[str, Tensor]
) -> list[str]:
    return [f"{key} {tuple(kept[key].shape)} for {tuple(own[key].shape)}" for key in wrong]


def _tell_all(what: str, keys: Sequence[str], tell: Tell) -> None:
    """Each of the keys, where there are more than an error shows."""
    if len(keys) > _SHOWN:
        for key in keys:
            tell(f"{what} {key}")


def _refuse_shapes(
    wrong: Sequence[str], own: Mapping[str, Tensor], kept: Mapping[str, Tensor]
) -> None:
    pairs = [(own[key].shape, kept[key].shape) for key in wrong]
    # a head of another number of classes: the first axis alone differs, the same everywhere
    heads = {(a[0], b[0]) for a, b in pairs if len(a) == len(b) and len(a) and a[1:] == b[1:]}
    if len(heads) == 1 and len(pairs) <= _SHOWN:
        ((wanted, got),) = heads
        raise MemberError(
            "answers with another number of classes",
            expected=f"{wanted}, as the class list has",
            got=got,
        )
    raise MemberError(
        f"has other shapes in {counted(len(wrong), 'weight')}",
        got=few(_shapes(wrong, own, kept), _SHOWN),
        remedy="name its own --encoder and --options",
    )
