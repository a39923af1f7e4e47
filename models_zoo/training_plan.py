"""What a zoo file would train, and what that takes: measured on a few steps, not guessed."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import default_collate

from ensemble.datasets import LabelledFolder
from ensemble.errors import EnsError
from ensemble.members.networks import build_network
from ensemble.members.roster import MEMBERS_FOLDER, choose_devices
from ensemble.memory import give_back, measured
from ensemble.progress import Progress, silent
from models_zoo.checkpointing import checkpoint_encoder
from models_zoo.job_training import network_ms_per_image
from models_zoo.jobs import Job, plan_jobs
from models_zoo.loader import num_workers
from models_zoo.member_spec import MemberSpec
from models_zoo.optimisation import new_optimizer
from models_zoo.trainer import uses_bf16
from models_zoo.training import batch_loss, training_set
from models_zoo.zoo_data import SPLIT_FILE, open_data
from models_zoo.zoo_file import read_zoo

# Of each member, after a first step, which also allocates and warms up.
_TIMED_STEPS = 2


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """What training a member takes on its devices; 0 for one that is `finished`.

    `peak_bytes`: of a step on each device, beyond what was held before; 0 where that is not known.
    `step_s`: of a batch, read and learnt from. `total_s`: of all epochs with their scores, an
    estimate. `fault`: why it cannot be trained, or "".
    """

    member: str
    size: str
    parameters: int = 0
    batch: int = 0
    devices: int = 1
    epochs: int = 0
    steps: int = 0
    peak_bytes: int = 0
    step_s: float = 0.0
    total_s: float = 0.0
    finished: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Members in the order in which they would be trained, and on what."""

    folder: Path
    devices: tuple[str, ...]
    train_images: int
    val_images: int
    members: tuple[MemberPlan, ...]

    @property
    def total_s(self) -> float:
        """Until the last member is done, each beginning as soon as its devices are free."""
        ends = [0.0] * len(self.devices)
        for member in self.members:
            ends.sort()
            taken = min(member.devices, len(ends))
            ends[:taken] = [ends[taken - 1] + member.total_s] * taken
        return max(ends)


def plan_zoo(
    zoo_file: Path,
    *,
    out: Path | None = None,
    device: str = "auto",
    only: Sequence[str] = (),
    progress: Progress = silent,
) -> TrainingPlan:
    """What `train_zoo` would do with these arguments; nothing is written.

    Reads as many images as a batch has. Raises what `train_zoo` does before it trains.
    """
    zoo = read_zoo(zoo_file)
    devices = choose_devices(device)
    folder = out or zoo.folder / MEMBERS_FOLDER
    rounds = open_data(zoo, folder / SPLIT_FILE, progress)
    jobs = plan_jobs(zoo, rounds, folder, only)
    members = []
    with progress("measuring members", len(jobs)) as advance:
        for job in jobs:
            members.append(_plan(job, devices[0]))
            advance(1)
    data = rounds[0]
    return TrainingPlan(
        folder,
        tuple(map(str, devices)),
        len(data.train.samples),
        len(data.val.samples),
        tuple(members),
    )


def _plan(job: Job, device: torch.device) -> MemberPlan:
    size = " x ".join(map(str, job.spec.size)) + (" windows" if job.spec.window else "")
    if job.is_finished:
        return MemberPlan(job.name, size, finished=True)
    try:
        return _measure(job, size, device)
    except torch.OutOfMemoryError:
        fault = f"{job.name}: {device} has not enough memory for batches of {job.spec.batch}"
        return MemberPlan(job.name, size, fault=fault)
    except EnsError as error:
        return MemberPlan(job.name, size, fault=str(error))
    finally:
        give_back(device)


def _measure(job: Job, size: str, device: torch.device) -> MemberPlan:
    """A few steps on the first images, and the time of a held-out one."""
    spec, train, val = job.spec, job.data.train, job.data.val
    network = build_network(spec.network, in_channels=spec.channels, num_classes=len(train.classes))
    give_back(device)  # what earlier members left would hide what this one takes
    with measured(device) as usage:
        step_s = _step_s(network, spec, train, device)
    ms = network_ms_per_image(network.eval(), spec, val, device)
    items = len(train.samples) * (spec.window.crops if spec.window else 1)
    steps = spec.epochs * (items // min(spec.batch, items))
    scored = math.ceil(spec.epochs / spec.validate_every) * len(val.samples)
    return MemberPlan(
        job.name,
        size,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        batch=spec.batch,
        devices=spec.devices,
        epochs=spec.epochs,
        steps=steps,
        peak_bytes=max(usage.peak - usage.before, 0),
        step_s=step_s,
        total_s=steps * step_s + scored * ms / 1000,
    )


def _step_s(
    network: nn.Module, spec: MemberSpec, train: LabelledFolder, device: torch.device
) -> float:
    """Seconds of a step, the median of a few: reading and learning in turn, or side by side."""
    batch = spec.batch // spec.devices
    few = train.subset(range(min(batch, len(train.samples))))
    dataset = training_set(few, spec, silent)
    network.to(device).to(memory_format=torch.channels_last).train()
    if spec.checkpointing == "encoder":
        checkpoint_encoder(network)
    optimizer = new_optimizer(network, spec)
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
    read, learn = statistics.median(read_s[1:]), statistics.median(learn_s[1:])
    workers = num_workers(device)
    return max(read / workers, learn) if workers else read + learn
