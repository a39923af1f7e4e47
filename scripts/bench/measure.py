"""What the benches share: work in turn and in processes of its own, the machine, the summary."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import numpy as np

_POLL_S = 0.05

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds (or bytes) of one thing, a value a round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return float(np.median(self.values))

    def over(self, other: Times) -> float:
        """Median of the quotients of the rounds, which cancels what slows a whole round."""
        return float(np.median(np.divide(self.values, other.values)))

    def text(self, scale: float = 1e3, unit: str = "ms") -> str:
        """Median and quartiles, in units of which there are `scale` in one."""
        low, middle, high = np.percentile(self.values, (25, 50, 75)) * scale
        return f"{middle:.2f} {unit} ({low:.2f} to {high:.2f}, {len(self.values)} rounds)"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the summary: how many times less `ours` is than `against`.

    `target` is the least `ratio` that will do, 0.5 for "at most twice"; a row without one reports.
    """

    name: str
    ours: float
    against: float
    ratio: float
    target: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None without one."""
        return None if self.target is None else self.ratio >= self.target

    @property
    def verdict(self) -> str:
        """The outcome in a word; a row without a target that is slower says so too."""
        if self.holds is None:
            return "more than theirs" if self.ratio < 1 else ""
        return "holds" if self.holds else "MISSED"


def in_turn(
    work: Mapping[str, Callable[[], object]], rounds: int, warm_ups: int = 1
) -> dict[str, Times]:
    """Wall time of each function, in turn; work on a GPU must wait for it itself."""
    for run in work.values():
        for _ in range(warm_ups):
            run()
    timed = {name: partial(_seconds, run) for name, run in work.items()}
    return {name: Times(tuple(values)) for name, values in in_rounds(timed, rounds).items()}


def in_rounds(work: Mapping[str, Callable[[], Result]], rounds: int) -> dict[str, list[Result]]:
    """What each function returns: all of them in every round, in the opposite order every other."""
    results: dict[str, list[Result]] = {name: [] for name in work}
    for number in range(rounds):
        for name in list(work)[:: -1 if number % 2 else 1]:
            results[name].append(work[name]())
    return results


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(
    name: str, ours: Times, against: Times, target: float | None = None, scale: float = 1e3
) -> Row:
    """A row of two things that were run in turn, values times `scale` (1000: ms)."""
    return Row(name, ours.median * scale, against.median * scale, against.over(ours), target)


def limit_row(name: str, value: float, limit: float) -> Row:
    """A row that holds while `value` is at most `limit`."""
    return Row(name, float(value), limit, float(limit / max(value, 1e-12)), 1)


def print_summary(rows: Sequence[Row]) -> None:
    """The rows as a table, and as the last line JSON."""
    print("\n| what | ours | against | against / ours | at least | |\n|" + " --- |" * 6)
    for row in rows:
        target = "" if row.target is None else f"{row.target:.3g}"
        print(
            f"| {row.name} | {row.ours:.4g} | {row.against:.4g} | {row.ratio:.3g} "
            f"| {target} | {row.verdict} |"
        )
    print(json.dumps([_plain(row) for row in rows]))


def _plain(row: Row) -> dict[str, object]:
    rounded = {key: float(f"{getattr(row, key):.4g}") for key in ("ours", "against", "ratio")}
    return asdict(row) | rounded | {"holds": row.holds}


def machine(*packages: str) -> str:
    """Processor, cores, load, and versions of Python and of packages, on one line."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {os.cpu_count()} cores, load {load:.1f} at the start; "
        f"Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    """The model name that Linux states, or what Python knows."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


@dataclass(frozen=True, slots=True)
class Child:
    """A process that has ended: its wall time, the most memory (RSS) it held, its stdout."""

    wall_s: float
    peak_bytes: int
    output: str

    @property
    def result(self) -> dict[str, float]:
        """The JSON object on the last line."""
        result: dict[str, float] = json.loads(self.output.splitlines()[-1])
        return result


def run_child(command: Sequence[str | Path]) -> Child:
    """Run a program of its own, on Linux; ends here with its stderr if it fails.

    Its high-water mark is read while it runs, since it may reset that itself; getrusage would count
    the peak of the process that forked it.
    """
    peak = 0
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen([str(word) for word in command], stdout=out, stderr=errors)
        while child.poll() is None:
            peak = max(peak, _high_water_bytes(child.pid))
            time.sleep(_POLL_S)
        wall_s = time.perf_counter() - start
        out.seek(0)
        errors.seek(0)
        if child.returncode:
            raise SystemExit(f"{errors.read()}\nexit {child.returncode}: {child.args}")
        return Child(wall_s, peak, out.read())


def _high_water_bytes(pid: int) -> int:
    """0 for a process that has just ended."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 if "VmHWM:" in status else 0
