import io
import time

import numpy as np
from rich.console import Console

from ensemble.cli.training_table import TrainingTable
from models_zoo.training.epoch_result import EpochResult


def epoch(member, number, dice, *, is_best=False):
    scores = None if dice is None else np.array([dice, dice])
    return EpochResult(member, number, 10, 0.5, scores, is_best, 30.0)


def drawn(act):
    """The last state of a table on a terminal of 100 columns."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    with TrainingTable(console) as table:
        act(table)
        stream.truncate(0)
        stream.seek(0)
    return stream.getvalue()


def test_a_member_is_a_row_with_its_last_epoch_and_its_best_score():
    def act(table):
        table.epoch(epoch("unet", 1, 0.6, is_best=True))
        table.epoch(epoch("fpn", 10, 0.9, is_best=True))
        table.epoch(epoch("unet", 2, 0.5))
        table.epoch(epoch("unet", 4, None))

    lines = drawn(act).splitlines()
    *_, unet = [line.split() for line in lines if "unet" in line]
    *_, fpn = [line.split() for line in lines if "fpn" in line]
    assert unet == ["unet", "4/10", "0.5000", "0.5000", "0.6000", "30.0", "s", "3", "min"]
    assert fpn[-1] == "done"


def test_the_last_notes_stand_below():
    def act(table):
        for number in range(9):
            table.note("unet", f"note {number} [bold]")

    shown = drawn(act)
    assert "unet: note 8 [bold]" in shown
    assert "note 3" not in shown


def test_a_task_is_shown_while_it_lasts():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    with TrainingTable(console) as table, table.progress("preparing images", 7) as advance:
        advance(3)
        time.sleep(0.6)
        assert "preparing images: 3/7" in stream.getvalue()
    assert "preparing" not in stream.getvalue().splitlines()[-1]
