"""Jobs in processes of their own, one for each device of a job, until all are done.

A process that dies, as when the system runs out of memory, takes its member with it and no other.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

import torch

from ensemble.cores import num_cores
from ensemble.errors import EnsError, MemberError
from ensemble.progress import silent
from models_zoo.jobs.job import Job
from models_zoo.jobs.job_training import MEMBER_ERRORS, train_job
from models_zoo.jobs.reporter import Reporter
from models_zoo.team import Team, free_port
from models_zoo.training.epoch_result import EpochResult
from models_zoo.training.validation import read_validation_labels

_NOTE, _EPOCH, _FAILED, _ENDED, _DONE = "note", "epoch", "failed", "ended", "done"
# What a process has to end in when it is told to, before it is killed.
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class _Crew:
    """The processes at work on a job, one a device, and what they say."""

    job: Job
    devices: tuple[torch.device, ...]
    processes: tuple[SpawnProcess, ...]
    connections: tuple[Connection, ...]
    lock: ExitStack

    @classmethod
    def start(
        cls, job: Job, devices: tuple[torch.device, ...], num_processes: int, lock: ExitStack
    ) -> _Crew:
        """Processes of a prepared job, of `num_processes` that are at work at once."""
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        port = free_port() if len(devices) > 1 else 0
        processes, connections = [], []
        for rank in range(len(devices)):
            ours, theirs = context.Pipe(duplex=False)
            team = Team(rank, devices, port, num_processes)
            process = context.Process(target=_work, args=(job, team, theirs), name=job.name)
            process.start()
            theirs.close()
            processes.append(process)
            connections.append(ours)
        return cls(job, devices, tuple(processes), tuple(connections), lock)

    def stop(self) -> None:
        """End the processes that have not ended, by force if they take long, and unlock the job."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join(_PATIENCE_S)
            if process.is_alive():
                process.kill()
                process.join()
        self.lock.close()


def train_side_by_side(
    jobs: Sequence[Job],
    devices: Sequence[torch.device],
    *,
    reporter: Reporter,
    finished: Callable[[], object],
) -> dict[str, str]:
    """Train jobs, each on as many devices as it wants, as soon as they are free.

    Answers with why some could not be trained, by name; `finished` is called after each. Raises
    what a process raised that is not the fault of its member; all others stop then, and at Ctrl-C,
    and can go on later.
    """
    failed: dict[str, str] = {}
    waiting = deque(jobs)
    free, working = list(devices), list[_Crew]()

    def fail(job: Job, reason: str) -> None:
        failed[job.name] = reason
        job.tell_failure(reporter, reason)

    try:
        while waiting or working:
            while waiting and waiting[0].spec.devices <= len(free):
                job, lock = waiting.popleft(), ExitStack()
                try:
                    lock.enter_context(job.state.locked())
                except MemberError as error:
                    fail(job, str(error))
                    continue
                if job.is_finished:  # as another run may have made it meanwhile
                    lock.close()
                    continue
                job.prepare(reporter)
                own = tuple(free.pop(0) for _ in range(job.spec.devices))
                working.append(_Crew.start(job, own, len(devices), lock))
            if not working and waiting:  # and all devices are free
                job = waiting.popleft()
                fail(job, job.lack_of(len(free)))
                continue
            for crew, reason in _listen(working, reporter) if working else []:
                crew.stop()
                working.remove(crew)
                free += crew.devices
                if reason:
                    fail(crew.job, reason)
                finished()
    finally:
        for crew in working:
            crew.stop()
    return failed


def _listen(working: Sequence[_Crew], reporter: Reporter) -> list[tuple[_Crew, str]]:
    """Pass on what is said next; answers with those who are done, and why if they failed.

    A crew is done when its first process is, or when one of the others cannot go on.
    """
    ready = wait([c for crew in working for c in crew.connections if not c.closed])
    done = []
    for crew in working:
        heard = [rank for rank, c in enumerate(crew.connections) if c in ready]
        ends = {rank: end for rank in heard if (end := _hear(crew, rank, reporter)) is not None}
        if 0 in ends or any(ends.values()):
            done.append((crew, next(filter(None, ends.values()), "")))
    return done


def _hear(crew: _Crew, rank: int, reporter: Reporter) -> str | None:
    """Pass on what a process says; at its end why it failed, "" where it did not."""
    try:
        kind, said = crew.connections[rank].recv()
    except EOFError:
        crew.processes[rank].join()
        death = _death(crew.processes[rank].exitcode)
        return f"{crew.job.name}: its process was lost ({death})"
    if kind == _NOTE:
        reporter.note(*said)
    elif kind == _EPOCH:
        reporter.epoch(said)
    elif kind == _ENDED:
        raise said
    else:
        crew.connections[rank].close()
        return str(said)
    return None


def _death(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    return name + (", perhaps for want of memory" if name == "SIGKILL" else "")


class _Sender:
    """A reporter that tells the process which started this one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, member: str, text: str) -> None:
        """A fact about a member."""
        self._connection.send((_NOTE, (member, text)))

    def epoch(self, result: EpochResult) -> None:
        """An epoch that has ended."""
        self._connection.send((_EPOCH, result))


def _work(job: Job, team: Team, told: Connection) -> None:
    """What a process of a job does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it
    if team.devices[team.rank].type == "cpu":  # more threads would wait for each other
        torch.set_num_threads(max(num_cores() // team.num_processes, 1))
    message: tuple[str, Any] = (_DONE, "")
    try:
        held_out = read_validation_labels(job.data.val, silent, team.num_processes)
        device, sender = team.devices[team.rank], _Sender(told)
        train_job(job, held_out, device, team=team, reporter=sender, progress=silent)
    except MEMBER_ERRORS as error:
        message = (_FAILED, str(error))
    except EnsError as error:
        message = (_ENDED, error)
    told.send(message)
