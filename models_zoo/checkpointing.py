"""Gradient checkpointing: blocks of an encoder are computed again in the backward pass.

What they computed in the forward pass is not kept (Chen et al. 2016, arXiv 1604.06174). Batch
statistics are counted once, as without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

from ensemble.errors import ConfigError

_Context = AbstractContextManager[None]


def checkpoint_encoder(network: nn.Module) -> None:
    """Have the blocks of a network's encoder be computed again in training.

    Raises ConfigError for a network whose encoder is not made of blocks in a row.
    """
    encoder = getattr(network, "encoder", None) or getattr(network, "backbone", None)
    blocks = list(_blocks(encoder)) if isinstance(encoder, nn.Module) else []
    if not blocks:
        raise ConfigError(
            "the encoder has no blocks in a row that could be computed again",
            remedy="set checkpointing: none",
        )
    for block in blocks:
        forward: Callable[..., Any] = block.forward
        block.forward = partial(_again, block, forward)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """The elements of the outermost rows that hold weights."""
    for child in module.children():
        if isinstance(child, nn.Sequential | nn.ModuleList):
            yield from (block for block in child if any(True for _ in block.parameters()))
        else:
            yield from _blocks(child)


def _again(block: nn.Module, forward: Callable[..., Any], *args: Any, **options: Any) -> Any:
    if not block.training:
        return forward(*args, **options)
    contexts = partial(_contexts, block)
    return checkpoint(forward, *args, use_reentrant=False, context_fn=contexts, **options)


def _contexts(block: nn.Module) -> tuple[_Context, _Context]:
    """Around the first computation nothing, around the second `_statistics_kept`."""
    return nullcontext(), _statistics_kept(block)


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """Batch normalisation uses its batch, but does not count it again."""
    norms = [norm for norm in block.modules() if isinstance(norm, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.sub_(1)
