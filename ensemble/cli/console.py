"""What a command shows while it works: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

_LINE_EVERY_S = 10.0


def console_line(line: str) -> None:
    """A line on stderr, where it does not mix with results."""
    click.echo(line, err=True)


@contextmanager
def console_progress(task: str, total: int) -> Iterator[Callable[[int], None]]:
    """Progress on stderr, with the rate: a live bar on a terminal, else a line every 10 seconds."""
    shown = _bar if sys.stderr.isatty() else _lines
    with shown(task, total) as advance:
        yield advance


@contextmanager
def _bar(task: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    start = time.monotonic()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        shown = bar.add_task(task, total=total, rate="")
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            bar.update(shown, advance=steps, rate=_rate(done, start))

        yield advance


@contextmanager
def _lines(task: str, total: int) -> Iterator[Callable[[int], None]]:
    start = last = time.monotonic()
    done = 0

    def advance(steps: int) -> None:
        nonlocal done, last
        done += steps
        now = time.monotonic()
        if done >= total or now - last >= _LINE_EVERY_S:
            last = now
            click.echo(f"{task}: {done}/{total} {_rate(done, start)}", err=True)

    yield advance


def _rate(done: int, start: float) -> str:
    elapsed = time.monotonic() - start
    return f"{done / elapsed:.2f}/s" if elapsed > 0 else ""
