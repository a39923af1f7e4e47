"""Averages of weights over steps and epochs, as torch's `AveragedModel` takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# Of averages, values, all of one type, and how many were averaged before.
Update = Callable[[Any, Any, Any], None]


def moving_average(decay: float) -> Update:
    """The update of an EMA whose decay starts low and rises to `decay`, as (1 + n) / (10 + n)."""
    return _averaging(lambda count: 1 - min(decay, (1 + count) / (10 + count)))


def plain_average() -> Update:
    """The update of the mean of all."""
    return _averaging(lambda count: 1 / (1 + count))


def _averaging(weight_of: Callable[[float], float]) -> Update:
    """An update by the weight that a value gets after so many others."""

    @torch.no_grad()
    def update(averages: list[Tensor], values: list[Tensor], num_averaged: Tensor) -> None:
        # at once, all being of one type: one by one a GPU would wait for hundreds of small calls
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, values, weight_of(float(num_averaged)))
        else:  # counters of batch normalisation
            torch._foreach_copy_(averages, values)

    return update
