"""What a zoo file would train, and what that takes: measured on a few steps, not guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ensemble.errors import EnsError
from ensemble.members.networks import build_network
from ensemble.members.roster import MEMBERS_FOLDER, choose_devices
from ensemble.memory import give_back, is_out_of_memory
from ensemble.progress import Progress, silent
from models_zoo.jobs.batch_search import settle_batch
from models_zoo.jobs.job import Job, plan_jobs
from models_zoo.jobs.job_training import network_ms_per_image
from models_zoo.jobs.trial_steps import try_steps
from models_zoo.jobs.zoo_data import SPLIT_FILE, open_data
from models_zoo.settings.zoo_file import read_zoo
from models_zoo.training.starting_weights import find_start


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
            members.append(_plan(job, devices))
            advance(1)
    data = rounds[0]
    return TrainingPlan(
        folder,
        tuple(map(str, devices)),
        len(data.train.samples),
        len(data.val.samples),
        tuple(members),
    )


def _plan(job: Job, devices: Sequence[torch.device]) -> MemberPlan:
    size, device = job.spec.input.text, devices[0]
    if job.is_finished:
        return MemberPlan(job.name, size, finished=True)
    if lack := job.lack_of(len(devices)):
        return MemberPlan(job.name, size, fault=lack)
    try:
        return _measure(job, size, device)
    except EnsError as error:
        return MemberPlan(job.name, size, fault=str(error))
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        fault = f"{job.name}: {device} has not enough memory for batches of {job.spec.batch}"
        return MemberPlan(job.name, size, fault=fault)
    finally:
        give_back(device)


def _measure(job: Job, size: str, device: torch.device) -> MemberPlan:
    """A few steps on the first images, and the time of a held-out one."""
    train, val = job.data.train, job.data.val
    spec = settle_batch(job.spec, train, device, job.state.folder if job.has_state else None)
    network = build_network(spec.network, in_channels=spec.channels, num_classes=len(train.classes))
    if spec.weights_file is not None:
        find_start(network, spec.weights_file)  # raises what training would
    cost = try_steps(network, spec, train, device)
    ms = network_ms_per_image(network.eval(), spec, val, device)
    items = len(train.samples) * (spec.window.crops if spec.window else 1)
    steps = spec.epochs * (items // min(spec.batch_size, items))
    scored = math.ceil(spec.epochs / spec.validate_every) * len(val.samples)
    return MemberPlan(
        job.name,
        size,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        batch=spec.batch_size,
        devices=spec.devices,
        epochs=spec.epochs,
        steps=steps,
        peak_bytes=cost.peak_bytes,
        step_s=cost.step_s,
        total_s=steps * cost.step_s + scored * ms / 1000,
    )
