"""What each epoch of a training gave: a CSV and, where TensorBoard is installed, its events."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from ensemble.files.whole_file import whole_file
from models_zoo.training.epoch_result import EpochResult

FILE_NAME = "epochs.csv"
EVENTS_FOLDER = "tensorboard"
_HEADER = ("epoch", "train_loss", "val_dice", "seconds")


class History:
    """The epochs of a member so far, in its state folder; where a run goes on, they do.

    A context, which closes the file of events.
    """

    def __init__(self, folder: Path, class_names: Sequence[str]) -> None:
        self._folder = folder
        self._class_names = class_names
        self._header = [*_HEADER, *(f"dice:{name}" for name in class_names)]
        self._stack = ExitStack()
        self._events: Any = None

    def __enter__(self) -> History:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def add(self, result: EpochResult) -> None:
        """Write an epoch down, in place of one of that number, and of those after it."""
        earlier = [row for row in self._rows() if row[0].isdecimal() and int(row[0]) < result.epoch]
        path = self._folder / FILE_NAME
        with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerows([self._header, *earlier, self._row(result)])
        if importlib.util.find_spec("tensorboard") is not None:
            self._add_events(result)

    def _rows(self) -> list[list[str]]:
        """Those of an earlier run too; none where the file is not of these classes, or damaged."""
        path = self._folder / FILE_NAME
        if not path.exists():
            return []
        text = path.read_text(encoding="utf-8", errors="replace")
        lines = list(csv.reader(text.splitlines()))
        whole = [line for line in lines[1:] if len(line) == len(self._header)]
        return whole if lines and lines[0] == self._header else []

    def _row(self, result: EpochResult) -> list[str]:
        dice = [None] * len(self._class_names) if result.dice is None else result.dice
        mean, *of_classes = (
            "" if score is None else f"{score:.6f}" for score in (result.val_dice, *dice)
        )
        return [
            *(str(result.epoch), f"{result.train_loss:.6f}", mean, f"{result.seconds:.2f}"),
            *of_classes,
        ]

    def _add_events(self, result: EpochResult) -> None:
        if self._events is None:
            from torch.utils.tensorboard import SummaryWriter

            # what a run that was killed wrote of this epoch and later ones is passed over
            writer = SummaryWriter(self._folder / EVENTS_FOLDER, purge_step=result.epoch)
            self._events = self._stack.enter_context(writer)
        self._events.add_scalar("train/loss", result.train_loss, result.epoch)
        if result.dice is not None:
            self._events.add_scalar("val/dice", result.val_dice, result.epoch)
            for name, dice in zip(self._class_names, result.dice, strict=True):
                self._events.add_scalar(f"val/dice of {name}", dice, result.epoch)
        self._events.flush()
