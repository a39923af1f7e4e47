import csv
from dataclasses import replace

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from models_zoo.jobs.history import EVENTS_FOLDER, FILE_NAME, History
from models_zoo.training.epoch_result import EpochResult

NAMES = ("Radius", "손")


def result(epoch, dice=(0.25, 0.75)):
    scores = None if dice is None else np.array(dice)
    return EpochResult("a", epoch, 9, 1.5 / epoch, scores, True, 2.0)


def rows(folder):
    with (folder / FILE_NAME).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_epoch_is_a_row(tmp_path):
    with History(tmp_path, NAMES) as history:
        history.add(result(1, None))
        history.add(result(2))

    first, second = rows(tmp_path)
    assert list(first) == ["epoch", "train_loss", "val_dice", "seconds", "dice:Radius", "dice:손"]
    assert (first["epoch"], first["val_dice"], first["dice:손"]) == ("1", "", "")
    assert (second["train_loss"], second["val_dice"]) == ("0.750000", "0.500000")
    assert second["dice:손"] == "0.750000"


def test_a_run_that_goes_on_takes_the_place_of_what_was_lost(tmp_path):
    with History(tmp_path, NAMES) as history:
        for epoch in (1, 2, 3):
            history.add(result(epoch))
    with History(tmp_path, NAMES) as history:
        history.add(replace(result(2), train_loss=9.0))

    assert [(row["epoch"], row["train_loss"]) for row in rows(tmp_path)] == [
        ("1", "1.500000"),
        ("2", "9.000000"),
    ]


@pytest.mark.parametrize("content", ["", "epoch,loss\n1,2\n", "epoch,train"])
def test_a_damaged_file_is_begun_anew(tmp_path, content):
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
    with History(tmp_path, NAMES) as history:
        history.add(result(4))
    assert [row["epoch"] for row in rows(tmp_path)] == ["4"]


@pytest.mark.parametrize("added", [b"mean,1,2,3,4,5\n", "평균,1,2,3,4,5\n".encode("cp949")])
def test_rows_that_a_person_added_are_no_epochs(tmp_path, added):
    with History(tmp_path, NAMES) as history:
        history.add(result(1))
    with (tmp_path / FILE_NAME).open("ab") as stream:
        stream.write(added)
    with History(tmp_path, NAMES) as history:
        history.add(result(2))
    assert [row["epoch"] for row in rows(tmp_path)] == ["1", "2"]


def test_tensorboard_reads_the_events(tmp_path):
    with History(tmp_path, NAMES) as history:
        for epoch in (1, 2):
            history.add(result(epoch))
    events = EventAccumulator(str(tmp_path / EVENTS_FOLDER))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("val/dice")] == [(1, 0.5), (2, 0.5)]
    assert [e.value for e in events.Scalars("train/loss")] == [1.5, 0.75]
    assert [e.value for e in events.Scalars("val/dice of 손")] == [0.75, 0.75]
