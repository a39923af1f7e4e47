"""The flow of `ens train-zoo`: from zoo.yaml to member files and their leaderboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import torch

from ensemble.members.roster import MEMBERS_FOLDER, choose_devices
from ensemble.progress import Progress, silent
from models_zoo.examples.example_cache import ExampleCache
from models_zoo.jobs.beginnings import check_beginnings
from models_zoo.jobs.data_digest import DataDigest
from models_zoo.jobs.job import Job, plan_jobs
from models_zoo.jobs.job_training import MEMBER_ERRORS, train_job
from models_zoo.jobs.leaderboard import (
    FILE_NAME,
    Standing,
    foreign_files,
    read_standings,
    write_leaderboard,
)
from models_zoo.jobs.member_state import STATE_FOLDER
from models_zoo.jobs.reporter import Reporter, Silence
from models_zoo.jobs.side_by_side import train_side_by_side
from models_zoo.jobs.zoo_data import SPLIT_FILE, ZooData, open_data
from models_zoo.settings.zoo_file import read_zoo
from models_zoo.training.validation import read_validation_labels


@dataclass(frozen=True, slots=True)
class Training:
    """What `train_zoo` did: the leaderboard, and what became of the members asked for.

    `skipped`: members that an earlier run had finished. `failed`: why others have no file.
    """

    folder: Path
    standings: tuple[Standing, ...]
    skipped: tuple[str, ...]
    failed: dict[str, str]


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
    others: see `Training.failed`. `device`: one, or several separated by commas, on which members
    are trained side by side, each in a process of its own; "auto" is every GPU. Raises ConfigError
    for the zoo file, DataError for the data, DeviceError for the device, MemberError for a file in
    place of a member that is none, OutputError where results cannot be written.
    """
    zoo = read_zoo(zoo_file)
    devices = choose_devices(device)
    folder = out or zoo.folder / MEMBERS_FOLDER
    rounds = open_data(zoo, folder / SPLIT_FILE, progress)
    jobs = plan_jobs(zoo, rounds, folder, only)
    examples = _open_cache(folder, rounds[0]) if zoo.data.cache == "disk" else None
    jobs = [replace(job, examples=examples) for job in jobs]
    _tell_foreign(folder, jobs, reporter)
    rounds[0].write_split(folder / SPLIT_FILE)
    if rounds[0].note:
        reporter.note("split", rounds[0].note)
    todo, skipped = _left_to_do(jobs, reporter)
    unable = check_beginnings(todo, reporter=reporter, progress=progress)
    todo = [job for job in todo if job.name not in unable]
    if len(devices) == 1 and all(job.spec.devices == 1 for job in todo):
        failed = _train_in_turn(todo, devices[0], folder, reporter, progress)
    else:
        failed = train_side_by_side(
            todo, devices, reporter=reporter, finished=lambda: _rank(folder)
        )
    if examples is not None and all(j.is_finished for j in plan_jobs(zoo, rounds, folder)):
        examples.remove()
    return Training(folder, _rank(folder), tuple(skipped), unable | failed)


def _left_to_do(jobs: Sequence[Job], reporter: Reporter) -> tuple[list[Job], list[str]]:
    """Jobs that no earlier run finished, and the names of the others."""
    todo, skipped = [], []
    for job in jobs:
        if job.is_finished:
            reporter.note(job.name, "was trained by an earlier run with the same settings and data")
            skipped.append(job.name)
        else:
            todo.append(job)
    return todo, skipped


def _tell_foreign(folder: Path, jobs: Sequence[Job], reporter: Reporter) -> None:
    """Files that are no members are left out; raises MemberError where a job's own file is one."""
    own = {job.path for job in jobs}
    for path, error in foreign_files(folder).items():
        if path in own:
            raise error
        reporter.note(FILE_NAME, f"leaves out {error}")


def _open_cache(folder: Path, data: ZooData) -> ExampleCache:
    """The cache of examples of all rounds, which have the same files and classes."""
    digest = DataDigest(data.folders, [data.train.subset([])])
    cache = ExampleCache.within(folder / STATE_FOLDER, digest.stamps)
    cache.remove_others()
    return cache


def _train_in_turn(
    jobs: Sequence[Job],
    device: torch.device,
    folder: Path,
    reporter: Reporter,
    progress: Progress,
) -> dict[str, str]:
    """Train one member after the other; answers with why some could not be, by name."""
    failed = {}
    for _, of_round in groupby(jobs, key=lambda job: job.data.fold):
        together = list(of_round)
        held_out = read_validation_labels(together[0].data.val, progress)
        for job in together:
            try:
                with job.state.locked():
                    if not job.is_finished:  # as another run may have made it meanwhile
                        job.prepare(reporter)
                        train_job(job, held_out, device, reporter=reporter, progress=progress)
            except MEMBER_ERRORS as error:
                failed[job.name] = str(error)
                job.tell_failure(reporter, failed[job.name])
            _rank(folder)
    return failed


def _rank(folder: Path) -> tuple[Standing, ...]:
    standings = read_standings(folder)
    write_leaderboard(folder / FILE_NAME, standings)
    return tuple(standings)
