"""Jobs in processes of their own, on two "devices" that are the CPU twice."""

import os
import signal
from multiprocessing import active_children

import pytest
import torch
from drawings import write_drawings

from ensemble.errors import DeviceError, ImageError
from ensemble.members.file import read_member
from ensemble.members.member import load_member
from ensemble.members.roster import choose_devices
from models_zoo.train_zoo import train_zoo

CPU = torch.device("cpu")
DEFAULTS = (
    "defaults: {weights: none, size: 32, epochs: 2, batch: 3, encoder: resnet18, lr: 2.0e-3,"
    " options: {decoder_channels: [16, 16, 8, 8, 8]}}\n"
)


class Hearer:
    """Keeps what it is told; `at_epoch` is called with every epoch."""

    def __init__(self, at_epoch=lambda result: None):
        self.notes, self.epochs, self._at_epoch = [], [], at_epoch

    def note(self, member, text):
        self.notes.append((member, text))

    def epoch(self, result):
        self.epochs.append(result)
        self._at_epoch(result)


def zoo(tmp_path, members):
    path = write_drawings(tmp_path) / "zoo.yaml"
    path.write_text(f"{DEFAULTS}members:\n{members}", encoding="utf-8")
    return path


THREE = "".join(f"  - {{name: {name}, arch: unet, seed: {ord(name)}}}\n" for name in "abc")


@pytest.mark.slow
def test_members_trained_side_by_side_are_those_trained_in_turn(tmp_path):
    path = zoo(tmp_path, THREE)
    in_turn = train_zoo(path, device="cpu", out=tmp_path / "turn")
    hearer = Hearer()

    training = train_zoo(path, device="cpu,cpu", reporter=hearer)

    assert training.failed == {}
    assert {row.member for row in training.standings} == {"a", "b", "c"}
    assert sorted((r.member, r.epoch) for r in hearer.epochs) == [
        (name, epoch) for name in "abc" for epoch in (1, 2)
    ]
    for row in in_turn.standings:
        first, second = (
            load_member(folder / row.file, CPU).network.state_dict()
            for folder in (tmp_path / "turn", tmp_path / "members")
        )
        for key, value in first.items():
            torch.testing.assert_close(second[key], value, rtol=1e-4, atol=1e-5)
    assert train_zoo(path, device="cpu,cpu").skipped == ("a", "b", "c")


@pytest.mark.slow
def test_two_processes_that_share_batches_learn_as_one_does(tmp_path):
    longer = DEFAULTS.replace("epochs: 2, batch: 3", "epochs: 16, batch: 6")
    path = write_drawings(tmp_path, train=12, val=6) / "zoo.yaml"
    path.write_text(
        f"{longer}members:\n  - {{name: one, arch: unet}}\n"
        "  - {name: two, arch: unet, devices: 2}\n",
        encoding="utf-8",
    )
    hearer = Hearer()

    training = train_zoo(path, device="cpu,cpu", reporter=hearer)

    assert training.failed == {}
    dice = {row.member: row.val_dice for row in training.standings}
    assert dice["two"] == pytest.approx(dice["one"], abs=0.05)
    assert dice["one"] > 0.5
    assert [r.epoch for r in hearer.epochs if r.member == "two"] == list(range(1, 17))
    counters = [
        {
            int(v)
            for k, v in read_member(training.folder / f"{name}.pt").state_dict.items()
            if k.endswith("num_batches_tracked")
        }
        for name in ("one", "two")
    ]
    steps = [
        row.best_epoch * 2
        for name in ("one", "two")
        for row in training.standings
        if row.member == name
    ]
    assert counters == [{count} for count in steps]


@pytest.mark.slow
def test_a_shared_training_goes_on_after_a_kill(tmp_path):
    path = zoo(tmp_path, "  - {name: two, arch: unet, batch: 4, devices: 2, epochs: 3}\n")
    whole = train_zoo(path, device="cpu,cpu", out=tmp_path / "whole")

    def kill_one(result):
        os.kill(active_children()[result.epoch % 2].pid, signal.SIGKILL)

    lost = train_zoo(path, device="cpu,cpu", reporter=Hearer(kill_one))
    assert "its process was lost" in lost.failed["two"]
    hearer = Hearer()
    training = train_zoo(path, device="cpu,cpu", reporter=hearer)

    assert hearer.epochs[0].epoch == 2
    first, second = (
        load_member(folder / "two.pt", CPU).network.state_dict()
        for folder in (whole.folder, training.folder)
    )
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, rtol=1e-4, atol=1e-5)


def test_a_member_that_wants_more_devices_than_there_are_is_told(tmp_path):
    path = zoo(tmp_path, "  - {name: wide, arch: unet, batch: 6, devices: 3}\n")
    hearer = Hearer()
    training = train_zoo(path, device="cpu,cpu", reporter=hearer)
    assert training.failed == {"wide": "wide: wants 3 devices, and there are 2"}
    assert ("wide", "failed: wants 3 devices, and there are 2") in hearer.notes


@pytest.mark.slow
def test_a_member_that_fails_and_one_whose_process_is_lost_do_not_stop_the_others(tmp_path):
    broken = "  - {name: broken, arch: unet, std: [1.0e-38, 1.0e-38, 1.0e-38]}\n"
    long = "  - {name: long, arch: unet, epochs: 500}\n"
    path = zoo(tmp_path, broken + long + THREE)

    def kill_long(result):
        if result.member == "long" and result.epoch == 1:
            (process,) = [child for child in active_children() if child.name == "long"]
            os.kill(process.pid, signal.SIGKILL)

    training = train_zoo(path, device="cpu,cpu", reporter=Hearer(kill_long))

    assert {row.member for row in training.standings} == {"a", "b", "c"}
    assert training.failed["broken"].startswith("broken: the loss is nan in epoch 1")
    assert training.failed["long"] == (
        "long: its process was lost (SIGKILL, perhaps for want of memory)"
    )
    again = Hearer(lambda result: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        train_zoo(path, device="cpu,cpu", reporter=again, only=["long"])
    assert ("long", "goes on where an earlier run stopped") in again.notes
    assert again.epochs[0].epoch > 1


@pytest.mark.slow
def test_what_is_wrong_with_all_members_ends_the_run(tmp_path):
    path = zoo(tmp_path, THREE)
    image = tmp_path / "train" / "images" / "train3.png"
    image.write_bytes(image.read_bytes()[:200])

    with pytest.raises(ImageError, match=r"train3\.png"):
        train_zoo(path, device="cpu,cpu")
    assert active_children() == []


def test_devices_are_those_of_a_comma_list():
    assert choose_devices("cpu, cpu") == [CPU, CPU]
    assert choose_devices("auto")[0].type in ("cpu", "cuda")
    with pytest.raises(DeviceError, match="'nothing' cannot be used"):
        choose_devices("cpu,nothing")
