"""How weights are moved: the optimizers, and their learning rate by steps."""

from __future__ import annotations

import math

import torch
from torch import nn

from models_zoo.settings.member_spec import MemberSpec, Schedule

_MOMENTUM, _POLY_POWER = 0.9, 0.9


def new_optimizer(network: nn.Module, spec: MemberSpec) -> torch.optim.Optimizer:
    """AdamW, or SGD with Nesterov's momentum; without decay on biases and normalisation."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": spec.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if spec.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=spec.lr, momentum=_MOMENTUM, nesterov=True)
    return torch.optim.AdamW(groups, lr=spec.lr)


def learning_rate_share(step: int, schedule: Schedule, *, warmup: int, total: int) -> float:
    """The share of the full learning rate at a step: linear up to 1, then down to 0.

    "cosine" is half a cosine, "poly" (1 - share done) ** 0.9 (Chen et al. 2018, DeepLab).
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    done = min((step - warmup) / max(total - warmup, 1), 1.0)
    if schedule == "poly":
        return float((1 - done) ** _POLY_POWER)
    return 0.5 * (1 + math.cos(math.pi * done))
