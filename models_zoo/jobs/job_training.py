"""A job is trained, and its best epoch becomes a member file."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ensemble.data.datasets import LabelledFolder
from ensemble.errors import ConfigError, DeviceError, MemberError
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.weights import uniform_weights
from ensemble.images.reading import read_image
from ensemble.members.file import write_member
from ensemble.members.manifest import Manifest
from ensemble.members.member import Member, RunOptions
from ensemble.members.networks import (
    build_network,
    for_prediction,
    load_weights,
    network_stride,
)
from ensemble.members.torchvision_networks import without_aux
from ensemble.members.training_summary import FAMILY, GROUPS, HELD_OUT
from ensemble.progress import Progress
from models_zoo.jobs.batch_search import settle_batch
from models_zoo.jobs.history import History
from models_zoo.jobs.job import Job
from models_zoo.jobs.reporter import Reporter
from models_zoo.jobs.speed import ms_per_image
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.team import ALONE, Team
from models_zoo.training.epoch_result import EpochResult
from models_zoo.training.learner import Trained, TrainingJob, train_member
from models_zoo.training.resume import STATE
from models_zoo.training.validation import ValidationLabels

# Which errors are those of one member; any other ends the run.
MEMBER_ERRORS = (MemberError, DeviceError, ConfigError)


def train_job(
    job: Job,
    held_out: ValidationLabels,
    device: torch.device,
    *,
    team: Team = ALONE,
    reporter: Reporter,
    progress: Progress,
) -> None:
    """Train a prepared job and write its member; raises what `train_member` does, OutputError.

    Of a team's processes the first one writes.
    """
    train, folder = job.data.train, job.state.folder
    spec = settle_batch(job.spec, train, device, folder)
    if job.spec.batch == "auto" and team.is_first:
        reporter.note(job.name, f"learns from batches of {spec.batch}")
    training = TrainingJob(spec, train, held_out, folder, device, team, job.examples)
    with History(job.state.folder, training.classes.names) as history:

        def watch(result: EpochResult) -> None:
            history.add(result)
            reporter.epoch(result)

        trained = train_member(training, watch=watch, progress=progress)
    if trained is None:
        return
    manifest, network = _member_of(training, trained, _origin(job))
    write_member(job.path, manifest, network.state_dict())
    job.state.finish(remove=STATE)


def _origin(job: Job) -> dict[str, Any]:
    """What a member tells of the data that it learnt from, and of those that it did not."""
    origin: dict[str, Any] = {GROUPS: job.groups}
    if job.data.fold is not None:
        origin |= {FAMILY: job.family, HELD_OUT: [sample.name for sample in job.data.val.samples]}
    return origin


def _member_of(
    job: TrainingJob, trained: Trained, origin: dict[str, Any]
) -> tuple[Manifest, nn.Module]:
    """The member of the best epoch, without what only training needs."""
    spec, state_dict = job.spec, trained.best.state_dict
    kept = for_prediction(spec.network)
    if kept != spec.network:
        state_dict = without_aux(state_dict)
    network = build_network(kept, in_channels=spec.channels, num_classes=len(job.classes))
    load_weights(network, state_dict)
    training = _summary(job, trained, network) | origin
    manifest = spec.manifest(job.classes, stride=network_stride(network), training=training)
    return manifest.model_copy(update={"network": kept}), network


def _summary(job: TrainingJob, trained: Trained, network: nn.Module) -> dict[str, Any]:
    best = trained.best
    return {
        "val_dice": best.mean_dice,
        "val_dice_per_class": dict(zip(job.classes.names, best.dice.tolist(), strict=True)),
        "epochs": job.spec.epochs,
        "best_epoch": best.epoch,
        "soup": job.spec.soup if best.is_soup else 0,
        "train_s": trained.train_s,
        "ms_per_image": network_ms_per_image(network, job.spec, job.held_out.labelled, job.device),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "train_images": len(job.train.samples),
        "val_images": len(job.held_out.labelled.samples),
        "device": str(job.device),
        "torch_version": str(torch.__version__),
        "settings": job.spec.model_dump(mode="json"),
    }


def network_ms_per_image(
    network: nn.Module, spec: MemberSpec, val: LabelledFolder, device: torch.device
) -> float:
    """Time of the first held-out image, as many windows at once as inputs in training."""
    manifest = spec.manifest(val.classes, stride=network_stride(network))
    options = RunOptions(at_once=spec.batch_size)
    members = [Member(manifest, network, device=device, options=options)]
    image = read_image(val.samples[0].image)
    return ms_per_image(Ensemble(members, uniform_weights(members)), image)
