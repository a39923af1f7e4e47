"""The flow of `ens train-zoo`: from zoo.yaml to member files and their leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ensemble.ensembles import Ensemble
from ensemble.errors import ConfigError, DeviceError, MemberError
from ensemble.images import read_image
from ensemble.members.file import write_member
from ensemble.members.manifest import Manifest
from ensemble.members.member import Member, RunOptions
from ensemble.members.networks import build_network, load_weights, network_stride
from ensemble.members.roster import MEMBERS_FOLDER, SUFFIX, choose_device
from ensemble.members.training_summary import FAMILY, GROUPS, HELD_OUT
from ensemble.progress import Progress, silent
from ensemble.weights import uniform_weights
from models_zoo.leaderboard import FILE_NAME, Standing, read_standings, write_leaderboard
from models_zoo.member_spec import MemberSpec
from models_zoo.member_state import MemberState, digest_data
from models_zoo.resume import STATE, check_resumable
from models_zoo.speed import ms_per_image
from models_zoo.training import EpochResult, Trained, TrainingJob, train_member
from models_zoo.validation import ValidationLabels, read_validation_labels
from models_zoo.zoo_data import ZooData, open_data
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
    """What all members of one run and fold share; `groups` as in zoo.yaml."""

    groups: str | None
    data: ZooData
    held_out: ValidationLabels
    device: torch.device
    folder: Path
    reporter: Reporter
    progress: Progress


@dataclass(frozen=True, slots=True)
class _Job:
    """A member to train on one fold; `family` is its name without the fold."""

    spec: MemberSpec
    family: str
    state: MemberState
    path: Path

    @classmethod
    def of(cls, folder: Path, family: MemberSpec, fold: int | None, data_digest: str) -> _Job:
        """The job of a member of the zoo file, named after its fold where there are several."""
        spec = family if fold is None else family.of_fold(fold)
        path = folder / f"{spec.full_name}{SUFFIX}"
        return cls(spec, family.full_name, MemberState.of(folder, spec, data_digest), path)

    @property
    def name(self) -> str:
        """The member's name."""
        return self.spec.full_name

    @property
    def is_finished(self) -> bool:
        """Whether an earlier run made the member."""
        return self.state.stage() == "finished" and self.path.is_file()


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
    families = _select(zoo, only)
    chosen = choose_device(device)
    folder = out or zoo.folder / MEMBERS_FOLDER
    rounds = open_data(zoo, folder / SPLIT_FILE)
    read_standings(folder)  # a broken file among the members is told now, not after hours
    rounds[0].write_split(folder / SPLIT_FILE)
    if rounds[0].note:
        reporter.note("split", rounds[0].note)
    skipped: list[str] = []
    failed: dict[str, str] = {}
    for data in rounds:
        digest = digest_data(data.folders, [data.train, data.val])
        fold = data.fold if len(rounds) > 1 else None
        jobs = [_Job.of(folder, family, fold, digest) for family in families]
        todo = [job for job in jobs if not job.is_finished]
        for job in (job for job in jobs if job not in todo):
            reporter.note(job.name, "was trained by an earlier run with the same settings and data")
            skipped.append(job.name)
        if todo:
            held_out = read_validation_labels(data.val, progress)
            run = _Run(zoo.data.groups, data, held_out, chosen, folder, reporter, progress)
            failed |= _train_all(run, todo)
    return Training(folder, _rank(folder), tuple(skipped), failed)


def _select(zoo: Zoo, only: Sequence[str]) -> list[MemberSpec]:
    names = {spec.full_name for spec in zoo.members}
    if unknown := sorted(set(only) - names):
        raise ConfigError(
            f"{zoo.path.name} has no member {', '.join(unknown)}",
            expected=f"one of {', '.join(sorted(names))}",
        )
    return [spec for spec in zoo.members if not only or spec.full_name in only]


def _train_all(run: _Run, todo: Sequence[_Job]) -> dict[str, str]:
    """Train one member after the other; answers with why some could not be, by name."""
    failed = {}
    for job in todo:
        try:
            _train_one(run, job)
        except (MemberError, DeviceError, ConfigError) as error:
            failed[job.name] = str(error)
            run.reporter.note(job.name, f"failed: {error}")
        _rank(run.folder)
    return failed


def _train_one(run: _Run, job: _Job) -> None:
    state = job.state
    fault = _state_fault(run, job)
    if changes := state.changes():
        run.reporter.note(job.name, f"is trained anew, changed: {', '.join(changes)}")
    elif fault is not None:
        run.reporter.note(job.name, f"is trained anew, cannot go on: {fault}")
    elif _has_state(state):
        run.reporter.note(job.name, "goes on where an earlier run stopped")
    state.begin(anew=fault is not None)
    training = TrainingJob(job.spec, run.data.train, run.held_out, state.folder, run.device)
    trained = train_member(training, watch=run.reporter.epoch, progress=run.progress)
    manifest, network = _member_of(training, trained, _origin(run, job))
    write_member(job.path, manifest, network.state_dict())
    state.finish(remove=STATE)


def _origin(run: _Run, job: _Job) -> dict[str, Any]:
    """What a member tells of the data that it learnt from, and of those that it did not."""
    origin: dict[str, Any] = {GROUPS: run.groups}
    if run.data.fold is not None:
        origin |= {FAMILY: job.family, HELD_OUT: [sample.name for sample in run.data.val.samples]}
    return origin


def _has_state(state: MemberState) -> bool:
    """Whether an earlier run of this job left files to go on from, be they sound or not."""
    return state.stage() != "new" and any((state.folder / name).exists() for name in STATE)


def _state_fault(run: _Run, job: _Job) -> MemberError | None:
    """Why a training cannot go on from what an earlier run left, or None."""
    spec, state = job.spec, job.state
    if not _has_state(state):
        return None
    num_classes = len(run.data.train.classes)
    network = build_network(spec.network, in_channels=spec.channels, num_classes=num_classes)
    try:
        check_resumable(state.folder, network, num_classes)
    except MemberError as error:
        return error
    return None


def _member_of(
    job: TrainingJob, trained: Trained, origin: dict[str, Any]
) -> tuple[Manifest, nn.Module]:
    """The member of the best epoch."""
    spec = job.spec
    network = build_network(spec.network, in_channels=spec.channels, num_classes=len(job.classes))
    load_weights(network, trained.best.state_dict)
    training = _summary(job, trained, network) | origin
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
