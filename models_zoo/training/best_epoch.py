"""The best epoch of a training so far, and files of its state, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ensemble.errors import MemberError, OutputError
from ensemble.files.whole_file import whole_file
from ensemble.members.checkpoint import read_checkpoint


@dataclass(frozen=True, slots=True)
class Best:
    """The weights (EMA, on the CPU) of the best epoch so far and their Dice (C,) a class.

    `is_soup`: they are the mean of the last epochs up to that one.
    """

    epoch: int
    dice: NDArray[np.float64]
    state_dict: dict[str, Tensor]
    is_soup: bool = False

    @property
    def mean_dice(self) -> float:
        """Mean over classes."""
        return float(self.dice.mean())


def read_best(path: Path) -> Best | None:
    """The best epoch of an earlier run, or None where there is none.

    Raises MemberError with the path for a file that is damaged.
    """
    if not path.exists():
        return None
    content = read_checkpoint(path, "best epoch")
    try:
        epoch, dice = int(content["epoch"]), np.array(content["dice"], np.float64)
        state_dict, is_soup = dict(content["state_dict"]), bool(content.get("is_soup"))
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise MemberError("is no best epoch", where=path) from error
    return Best(epoch, dice.reshape(-1), state_dict, is_soup)


def write_best(path: Path, best: Best) -> None:
    """Write a best epoch; raises OutputError."""
    content = {
        "epoch": best.epoch,
        "dice": best.dice.tolist(),
        "state_dict": best.state_dict,
        "is_soup": best.is_soup,
    }
    with state_file(path) as part:
        torch.save(content, part)


def copy_to_cpu(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies that further training does not change."""
    return {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, value in state_dict.items()
    }


@contextmanager
def state_file(path: Path) -> Iterator[Path]:
    """As `whole_file`, for what torch writes: it reports a full disk as a RuntimeError."""
    with whole_file(path) as part:
        try:
            yield part
        except RuntimeError as error:
            raise OutputError(f"cannot be written: {error}", where=path) from error
