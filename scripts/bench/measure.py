"""What the benches share: work run in turn, its median and spread, the machine, the summary."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np


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
    """Wall time of each function: all of them in every round, in the opposite order every other.

    Work on a GPU must wait for it itself.
    """
    for run in work.values():
        for _ in range(warm_ups):
            run()
    values: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds):
        for name in sorted(work, reverse=bool(number % 2)):
            start = time.perf_counter()
            work[name]()
            values[name].append(time.perf_counter() - start)
    return {name: Times(tuple(seconds)) for name, seconds in values.items()}


def compare(
    name: str, ours: Times, against: Times, target: float | None = None, scale: float = 1e3
) -> Row:
    """A row of two things that were run in turn, values times `scale` (1000: ms)."""
    return Row(name, ours.median * scale, against.median * scale, against.over(ours), target)


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


def peak_bytes() -> int:
    """Most memory (RSS) that this process has held, on Linux.

    VmHWM starts with the program; getrusage would count the peak of the process that forked it.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
