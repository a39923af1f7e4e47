"""A few steps of training, done to see what they take."""

from __future__ import annotations

import copy
import statistics
import time
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import default_collate

from ensemble.data.datasets import LabelledFolder
from ensemble.members.compilation import compilation_stated, compile_network
from ensemble.memory import give_back, measured
from ensemble.progress import silent
from models_zoo.checkpointing import checkpoint_encoder
from models_zoo.examples.loader import num_workers
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.training.learner import batch_loss, training_set
from models_zoo.training.optimisation import new_optimizer
from models_zoo.training.trainer import uses_bf16

# After a first one, which also allocates and warms up.
_TIMED_STEPS = 2


@dataclass(frozen=True, slots=True)
class StepCost:
    """Of a step on each device: seconds, reading the batch included, and bytes at the peak beyond
    what was held before, 0 where that is not known.
    """

    step_s: float
    peak_bytes: int


def try_steps(
    network: nn.Module, spec: MemberSpec, train: LabelledFolder, device: torch.device
) -> StepCost:
    """Train a network on the first images; it moves to the device and is changed.

    Raises torch's OutOfMemoryError on a device that has not enough, MemberError for a network that
    cannot be compiled.
    """
    give_back(device)  # what was done before would hide what this takes
    with measured(device) as usage, compilation_stated(spec.full_name):
        step_s = _step_s(network, spec, train, device)
    return StepCost(step_s, max(usage.peak - usage.before, 0))


def _step_s(
    network: nn.Module, spec: MemberSpec, train: LabelledFolder, device: torch.device
) -> float:
    """Seconds of a step, the median of a few: reading and learning in turn, or side by side."""
    batch = spec.batch_size // spec.devices
    few = train.subset(range(min(batch, len(train.samples))))
    dataset = training_set(few, spec, silent)
    network.to(device).to(memory_format=torch.channels_last).train()
    if spec.checkpointing == "encoder":
        checkpoint_encoder(network)
    if spec.compile:
        compile_network(network)
    optimizer = new_optimizer(network, spec)
    # the moving average, the soup, and what a team sums gradients in
    copies = 1 + bool(spec.soup) + (spec.devices > 1)
    held = [copy.deepcopy(network.state_dict()) for _ in range(copies)]
    read_s, learn_s = [], []
    for step in range(1 + _TIMED_STEPS):
        start = time.perf_counter()
        ready = default_collate([dataset[step, i % len(dataset)] for i in range(batch)])
        read_s.append(time.perf_counter() - start)
        with torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(spec, device)):
            on_device = {key: tensor.to(device) for key, tensor in ready.items()}
            loss = batch_loss(network, on_device, spec, train.classes)
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        float(loss.detach())  # waits for the device
        learn_s.append(time.perf_counter() - start - read_s[-1])
    del held
    read, learn = statistics.median(read_s[1:]), statistics.median(learn_s[1:])
    workers = num_workers(device)
    return max(read / workers, learn) if workers else read + learn
