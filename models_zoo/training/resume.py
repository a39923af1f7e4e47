"""Whether a member's training can go on from the files that an earlier run left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ensemble.errors import MemberError
from ensemble.members.checkpoint import read_checkpoint
from ensemble.members.networks import check_weights
from models_zoo.training.best_epoch import read_best

LAST = "last.ckpt"
BEST = "best.pt"
STATE = (LAST, BEST)
BEST_EPOCH = "best_epoch"
TRAIN_S = "train_s"
# Where `Learner` keeps the network and the moving average of its weights.
_PREFIXES = ("network.", "average.module.")
_KIND = "training state"
# What Lightning goes on from, and what `Learner` adds.
_KEYS = ("state_dict", "optimizer_states", "lr_schedulers", "loops", "epoch", TRAIN_S, BEST_EPOCH)


def check_resumable(folder: Path, network: nn.Module, num_classes: int) -> None:
    """Raise MemberError, with the file, where the state in a folder is not whole.

    The last epoch must hold weights of this network, and the best epoch must be there if the last
    one knows of it.
    """
    last = _read_last(folder / LAST, network)
    best = read_best(folder / BEST)
    if best is None and last[BEST_EPOCH]:
        raise MemberError("is missing", where=folder / BEST)
    if best is None:
        return
    try:
        if len(best.dice) != num_classes:
            raise MemberError("is of other classes", expected=num_classes, got=len(best.dice))
        check_weights(network, best.state_dict)
    except MemberError as error:
        raise error.at(folder / BEST) from error
    if best.epoch < last[BEST_EPOCH]:
        raise MemberError(
            "is older than the last epoch",
            where=folder / BEST,
            expected=f"epoch {last[BEST_EPOCH]}",
            got=f"epoch {best.epoch}",
        )


def _read_last(path: Path, network: nn.Module) -> dict[str, Any]:
    content = read_checkpoint(path, _KIND)
    missing = [key for key in _KEYS if not isinstance(content, dict) or key not in content]
    if missing:
        raise MemberError(f"lacks {', '.join(missing)}", where=path)
    try:
        for prefix in _PREFIXES:
            check_weights(network, _weights_below(prefix, content["state_dict"]))
    except MemberError as error:
        raise error.at(path) from error
    return dict(content)


def _weights_below(prefix: str, state_dict: Any) -> dict[str, Tensor]:
    """The weights whose names begin with a prefix, without it."""
    if not isinstance(state_dict, dict):
        raise MemberError("has no weights")
    return {
        key.removeprefix(prefix): tensor
        for key, tensor in state_dict.items()
        if isinstance(key, str) and key.startswith(prefix)
    }
