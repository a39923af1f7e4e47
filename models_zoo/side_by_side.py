"""Jobs in processes of their own, one a device, until all are done.

A process that dies, as when the system runs out of memory, takes its member with it and no other.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

import torch

from ensemble.errors import EnsError
from ensemble.progress import silent
from models_zoo.job_training import MEMBER_ERRORS, train_job
from models_zoo.jobs import Job, Reporter
from models_zoo.training import EpochResult
from models_zoo.validation import read_validation_labels

_NOTE, _EPOCH, _FAILED, _ENDED, _DONE = "note", "epoch", "failed", "ended", "done"
# What a process has to end in when it is told to, before it is killed.
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class _Worker:
    """A process at work on a job, and what it says."""

    job: Job
    device: torch.device
    process: SpawnProcess
    connection: Connection


def train_side_by_side(
    jobs: Sequence[Job],
    devices: Sequence[torch.device],
    *,
    reporter: Reporter,
    finished: Callable[[], object],
) -> dict[str, str]:
    """Train jobs, each on a device that is free; answers with why some could not be, by name.

    `finished` is called after each. Raises what a process raised that is not the fault of its
    member, when the others have stopped; all stop at Ctrl-C, and can go on later.
    """
    failed: dict[str, str] = {}
    free, waiting = list(devices), list(jobs)
    working: list[_Worker] = []
    try:
        while waiting or working:
            while waiting and free:
                job, device = waiting.pop(0), free.pop(0)
                job.prepare(reporter)
                working.append(_start(job, device, num_threads=_threads(devices)))
            for worker in _heard(working):
                reason = _hear(worker, reporter)
                if reason is None:
                    continue
                working.remove(worker)
                free.append(worker.device)
                if reason:
                    failed[worker.job.name] = reason
                    reporter.note(worker.job.name, f"failed: {reason}")
                finished()
    finally:
        _stop(working)
    return failed


def _threads(devices: Sequence[torch.device]) -> int | None:
    """Threads of each process where they share the CPU: more would wait for each other."""
    if devices[0].type != "cpu":
        return None
    return max((os.cpu_count() or 1) // len(devices), 1)


def _start(job: Job, device: torch.device, *, num_threads: int | None) -> _Worker:
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(job, device, num_threads, theirs), name=job.name)
    process.start()
    theirs.close()
    return _Worker(job, device, process, ours)


def _heard(working: Sequence[_Worker]) -> list[_Worker]:
    """Those that have something to say, or have fallen silent for good."""
    ready = wait([worker.connection for worker in working])
    return [worker for worker in working if worker.connection in ready]


def _hear(worker: _Worker, reporter: Reporter) -> str | None:
    """Pass on what a process says; at its end why it failed, "" where it did not."""
    try:
        kind, said = worker.connection.recv()
    except EOFError:
        worker.process.join()
        return f"{worker.job.name}: its process was lost ({_death(worker.process.exitcode)})"
    if kind == _NOTE:
        reporter.note(*said)
    elif kind == _EPOCH:
        reporter.epoch(said)
    elif kind == _ENDED:
        raise said
    else:
        worker.process.join()
        return str(said)
    return None


def _death(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    return name + (", perhaps for want of memory" if name == "SIGKILL" else "")


def _stop(working: Sequence[_Worker]) -> None:
    for worker in working:
        worker.process.terminate()
    for worker in working:
        worker.process.join(_PATIENCE_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


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


def _work(job: Job, device: torch.device, num_threads: int | None, told: Connection) -> None:
    """What the process of a job does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it
    if num_threads is not None:
        torch.set_num_threads(num_threads)
    message: tuple[str, Any] = (_DONE, "")
    try:
        held_out = read_validation_labels(job.data.val, silent)
        train_job(job, held_out, device, reporter=_Sender(told), progress=silent)
    except MEMBER_ERRORS as error:
        message = (_FAILED, str(error))
    except EnsError as error:
        message = (_ENDED, error)
    told.send(message)
