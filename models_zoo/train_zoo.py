"""The flow of `ens train-zoo`: from zoo.yaml to member files and their leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ensemble.datasets import LabelledFolder
from ensemble.ensembles import Ensemble
from ensemble.errors import ConfigError, DeviceError, MemberError
from ensemble.images import read_image
from ensemble.members.file import write_member
from ensemble.members.manifest import Manifest
from ensemble.members.member import Member, RunOptions
from ensemble.members.networks import build_network, load_weights, network_stride
from ensemble.members.roster import MEMBERS_FOLDER, SUFFIX, choose_device
from ensemble.members.training_summary import GROUPS
from ensemble.progress import Progress, silent
from ensemble.weights import uniform_weights
from models_zoo.leaderboard import FILE_NAME, Standing, read_standings, write_leaderboard
from models_zoo.member_spec import MemberSpec
from models_zoo.member_state import MemberState, digest_data
from models_zoo.resume import STATE, check_resumable
from models_zoo.speed import ms_per_image
from models_zoo.training import EpochResult, Trained, TrainingJob, train_member
from models_zoo.validation import ValidationLabels, read_validation_labels
from models_zoo.zoo_data import open_data
from models_zoo.zoo_file import Zoo, read_zoo

SPLIT_FILE = "split.csv"


@dataclass(frozen=True, slots=True)
class Training:
    """What `train_zoo` did: the leaderboard, and what became of the members asked for.

    `skipped`: members that an earlier run had finished. `failed`: why others have no file.
    """

    folder: Path
    standings: tuple[Standing, ...]
    skipped: tuple[str, ...]
    failed: dict[str, str]


class Reporter(Protocol):
    """Hears what happens while it happens."""

    def note(self, member: str, text: str) -> None:
        """A fact about a member as a whole, or about the split."""
        ...

    def epoch(self, result: EpochResult) -> None:
        """An epoch that has ended."""
        ...


class Silence:
    """A reporter that says nothing."""

    def note(self, member: str, text: str) -> None:
        """Nothing."""

    def epoch(self, result: EpochResult) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What all members of one run share; `groups` as in zoo.yaml."""

    groups: str | None
    train: LabelledFolder
    held_out: ValidationLabels
    device: torch.device
    folder: Path
    reporter: Reporter
    progress: Progress


def train_zoo(
    zoo_file: Path,
    *,
    out: Path | None = None,
    device: str = "auto",
    only: Sequence[str] = (),
    reporter: Reporter = Silence(),  # noqa: B008 (it has no state)
    progress: Progress = silent,
) -> Training:
    """Train the members of a zoo file into `out` (by default members/ beside it).

    A member that an earlier run finished with the same settings on the same data is not trained
    again, one that was interrupted goes on. A member that cannot be trained does not stop the
    others: see `Training.failed`. Raises ConfigError for the zoo file, DataError for the data,
    DeviceError for the device, OutputError where results cannot be written.
    """
    zoo = read_zoo(zoo_file)
    specs = _select(zoo, only)
    chosen = choose_device(device)
    folder = out or zoo.folder / MEMBERS_FOLDER
    data = open_data(zoo, folder / SPLIT_FILE)
    read_standings(folder)  # a broken file among the members is told now, not after hours
    data.write_split(folder / SPLIT_FILE)
    if data.note:
        reporter.note("split", data.note)
    digest = digest_data(data.folders, [data.train, data.val])
    states = [(spec, MemberState.of(folder, spec, digest)) for spec in specs]
    todo = [job for job in states if not _is_finished(folder, *job)]
    skipped = tuple(spec.full_name for spec in specs if spec not in [job[0] for job in todo])
    for name in skipped:
        reporter.note(name, "was trained by an earlier run with the same settings and data")
    failed = {}
    if todo:
        held_out = read_validation_labels(data.val, progress)
        failed = _train_all(
            _Run(zoo.data.groups, data.train, held_out, chosen, folder, reporter, progress), todo
        )
    return Training(folder, _rank(folder), skipped, failed)


def _select(zoo: Zoo, only: Sequence[str]) -> list[MemberSpec]:
    names = {spec.full_name for spec in zoo.members}
    if unknown := sorted(set(only) - names):
        raise ConfigError(
            f"{zoo.path.name} has no member {', '.join(unknown)}",
            expected=f"one of {', '.join(sorted(names))}",
        )
    return [spec for spec in zoo.members if not only or spec.full_name in only]


def _is_finished(folder: Path, spec: MemberSpec, state: MemberState) -> bool:
    return state.stage() == "finished" and _member_path(folder, spec).is_file()


def _train_all(run: _Run, todo: Sequence[tuple[MemberSpec, MemberState]]) -> dict[str, str]:
    """Train one member after the other; answers with why some could not be, by name."""
    failed = {}
    for spec, state in todo:
        try:
            _train_one(run, spec, state)
        except (MemberError, DeviceError, ConfigError) as error:
            failed[spec.full_name] = str(error)
            run.reporter.note(spec.full_name, f"failed: {error}")
        _rank(run.folder)
    return failed


def _train_one(run: _Run, spec: MemberSpec, state: MemberState) -> None:
    fault = _state_fault(run, spec, state)
    if changes := state.changes():
        run.reporter.note(spec.full_name, f"is trained anew, changed: {', '.join(changes)}")
    elif fault is not None:
        run.reporter.note(spec.full_name, f"is trained anew, cannot go on: {fault}")
    elif _has_state(state):
        run.reporter.note(spec.full_name, "goes on where an earlier run stopped")
    state.begin(anew=fault is not None)
    job = TrainingJob(spec, run.train, run.held_out, state.folder, run.device)
    trained = train_member(job, watch=run.reporter.epoch, progress=run.progress)
    manifest, network = _member_of(job, trained, run.groups)
    write_member(_member_path(run.folder, spec), manifest, network.state_dict())
    state.finish(remove=STATE)


def _has_state(state: MemberState) -> bool:
    """Whether an earlier run of this job left files to go on from, be they sound or not."""
    return state.stage() != "new" and any((state.folder / name).exists() for name in STATE)


def _state_fault(run: _Run, spec: MemberSpec, state: MemberState) -> MemberError | None:
    """Why a training cannot go on from what an earlier run left, or None."""
    if not _has_state(state):
        return None
    num_classes = len(run.train.classes)
    network = build_network(spec.network, in_channels=spec.channels, num_classes=num_classes)
    try:
        check_resumable(state.folder, network, num_classes)
    except MemberError as error:
        return error
    return None


def _member_of(
    job: TrainingJob, trained: Trained, groups: str | None
) -> tuple[Manifest, nn.Module]:
    """The member of the best epoch."""
    spec = job.spec
    network = build_network(spec.network, in_channels=spec.channels, num_classes=len(job.classes))
    load_weights(network, trained.best.state_dict)
    training = {**_summary(job, trained, network), GROUPS: groups}
    manifest = spec.manifest(job.classes, stride=network_stride(network), training=training)
    return manifest, network


def _summary(job: TrainingJob, trained: Trained, network: nn.Module) -> dict[str, Any]:
    best = trained.best
    return {
        "val_dice": best.mean_dice,
        "val_dice_per_class": dict(zip(job.classes.names, best.dice.tolist(), strict=True)),
        "epochs": job.spec.epochs,
        "best_epoch": best.epoch,
        "train_s": trained.train_s,
        "ms_per_image": _ms_per_image(network, job),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "train_images": len(job.train.samples),
        "val_images": len(job.held_out.labelled.samples),
        "device": str(job.device),
        "torch_version": str(torch.__version__),
        "settings": job.spec.model_dump(mode="json"),
    }


def _ms_per_image(network: nn.Module, job: TrainingJob) -> float:
    """Time of the first held-out image, as many windows at once as inputs in training."""
    manifest = job.spec.manifest(job.classes, stride=network_stride(network))
    options = RunOptions(at_once=job.spec.batch)
    members = [Member(manifest, network, device=job.device, options=options)]
    image = read_image(job.held_out.labelled.samples[0].image)
    return ms_per_image(Ensemble(members, uniform_weights(members)), image)


def _rank(folder: Path) -> tuple[Standing, ...]:
    standings = read_standings(folder)
    write_leaderboard(folder / FILE_NAME, standings)
    return tuple(standings)


def _member_path(folder: Path, spec: MemberSpec) -> Path:
    return folder / f"{spec.full_name}{SUFFIX}"
