"""A table of members in training that changes as they learn, for terminals."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from ensemble.cli.durations import format_duration

if TYPE_CHECKING:
    from rich.console import Console, Group

    from models_zoo.training.epoch_result import EpochResult

_MOST_NOTES = 5


@dataclass(slots=True)
class _Row:
    """What is known of a member: its last epoch, and the best of its scores."""

    epoch: int = 0
    num_epochs: int = 0
    loss: float = 0.0
    val_dice: float | None = None
    best: float | None = None
    seconds: float = 0.0

    def cells(self, member: str) -> list[str]:
        left = (self.num_epochs - self.epoch) * self.seconds
        return [
            member,
            f"{self.epoch}/{self.num_epochs}",
            f"{self.loss:.4f}",
            "" if self.val_dice is None else f"{self.val_dice:.4f}",
            "" if self.best is None else f"{self.best:.4f}",
            f"{self.seconds:.1f} s",
            format_duration(left) if self.epoch < self.num_epochs else "done",
        ]


class TrainingTable:
    """A reporter, and with `progress` a progress, that shows one table on stderr.

    A context, in which the table is redrawn four times a second; its last state stays.
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._rows: dict[str, _Row] = {}
        self._notes: list[str] = []
        self._task = ""
        self._live = Live(console=console or Console(file=sys.stderr), get_renderable=self._content)

    def __enter__(self) -> TrainingTable:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._task = ""
        self._live.stop()

    def note(self, member: str, text: str) -> None:
        """A fact about a member as a whole; the last few stay below the table."""
        self._notes = [*self._notes, f"{member}: {text}"][-_MOST_NOTES:]

    def epoch(self, result: EpochResult) -> None:
        """An epoch that has ended."""
        row = self._rows.setdefault(result.member, _Row())
        row.epoch, row.num_epochs = result.epoch, result.num_epochs
        row.loss, row.seconds = result.train_loss, result.seconds
        row.val_dice = row.val_dice if result.val_dice is None else result.val_dice
        row.best = result.val_dice if result.is_best else row.best

    @contextmanager
    def progress(self, task: str, total: int) -> Iterator[Callable[[int], None]]:
        """A line below the table while a task lasts."""
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            self._task = f"{task}: {done}/{total}"

        yield advance
        self._task = ""

    def _content(self) -> Group:
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in ("member", "epoch", "loss", "val Dice", "best", "an epoch", "left"):
            table.add_column(column, justify="left" if column == "member" else "right")
        for member, row in self._rows.items():
            table.add_row(*row.cells(member))
        lines = [*self._notes, self._task] if self._task else self._notes
        below = [Text(line) for line in lines]
        return Group(table, *below) if self._rows else Group(*below)
