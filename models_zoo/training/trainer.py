"""Lightning's trainer as the zoo uses it: quiet, interruptible, its failures stated."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy
from torch.utils.data import DataLoader

from ensemble.errors import DeviceError, DeviceMemoryError
from ensemble.members.compilation import compilation_stated
from ensemble.memory import is_out_of_memory
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.team import ALONE, Team

# The others of a team wait while the first scores the held-out images at full size.
_LONGEST_VALIDATION = timedelta(days=1)


def fit(
    learner: lightning.LightningModule,
    loader: DataLoader[Any],
    spec: MemberSpec,
    *,
    device: torch.device,
    checkpoint: Path,
    team: Team = ALONE,
) -> None:
    """Run all epochs, from `checkpoint` on where that file exists.

    Raises DeviceError where memory does not suffice, KeyboardInterrupt for Ctrl-C.
    """
    with _memory_stated(spec, device), compilation_stated(spec.full_name), _quiet():
        precision: Any = "bf16-mixed" if uses_bf16(spec, device) else "32-true"
        trainer = lightning.Trainer(
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=_devices(device, team),
            strategy=_strategy(device, team),
            precision=precision,
            max_epochs=spec.epochs,
            gradient_clip_val=spec.clip_norm,
            accumulate_grad_batches=spec.accumulate,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            default_root_dir=checkpoint.parent,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        start = checkpoint if checkpoint.exists() else None
        with _interruptible(trainer):
            trainer.fit(learner, loader, ckpt_path=start, weights_only=True)


def _devices(device: torch.device, team: Team) -> int | list[int]:
    """Of a team Lightning wants to hear of all devices, and takes that of the rank."""
    if device.type == "cpu":
        return team.size
    if team.size > 1:
        return [each.index or 0 for each in team.devices]
    return 1 if device.index is None else [device.index]


def _strategy(device: torch.device, team: Team) -> Any:
    """Gradients averaged over a team; statistics of batches are those of the first one.

    The graph is the same in every step, which lets networks have weights that they do not use.
    """
    if team.size == 1:
        return "auto"
    team.join()
    return DDPStrategy(
        process_group_backend="gloo" if device.type == "cpu" else "nccl",
        cluster_environment=LightningEnvironment(),
        static_graph=True,
        timeout=_LONGEST_VALIDATION,
    )


def uses_bf16(spec: MemberSpec, device: torch.device) -> bool:
    """Whether a member trains in bfloat16: where told to, and by default on CUDA."""
    return spec.precision == "bf16" or (spec.precision == "auto" and device.type == "cuda")


@contextmanager
def _memory_stated(spec: MemberSpec, device: torch.device) -> Iterator[None]:
    """Out of memory becomes a DeviceError with a remedy."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, DeviceMemoryError) and not is_out_of_memory(error):
            raise
        raise DeviceError(
            f"{device} has not enough memory for batches of {spec.batch} at "
            f"{spec.size[0]} x {spec.size[1]}",
            where=spec.full_name,
            remedy="set a smaller batch or size",
        ) from error


@contextmanager
def _interruptible(trainer: lightning.Trainer) -> Iterator[None]:
    """Lightning turns Ctrl-C into an exit and leaves it switched off; undo both."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if trainer.interrupted:
            raise KeyboardInterrupt from error
        raise
    finally:
        if in_main_thread and handler is not None:
            signal.signal(signal.SIGINT, handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's announcements, and without its advice on choices that are made here."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # loading in the training process is meant where cores are few
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            # Lightning's own use of torch, which it will have to change
            warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
