import json

import pytest
import torch
from drawings import write_drawings

from ensemble.data.datasets import open_labelled
from ensemble.errors import ConfigError, DeviceError
from ensemble.members.file import read_member
from models_zoo.jobs import batch_search
from models_zoo.jobs.batch_search import BATCH_FILE, Trial, find_batch, settle_batch
from models_zoo.jobs.training_plan import plan_zoo
from models_zoo.jobs.trial_steps import StepCost
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.settings.zoo_file import ZooFileError, read_zoo
from models_zoo.train_zoo import train_zoo


class Device:
    """A batch fits up to a limit, and a step takes `start` seconds and `each` an image."""

    def __init__(self, fits, start=1.0, each=0.01):
        self.fits, self.start, self.each = fits, start, each
        self.tried = []

    def __call__(self, batch):
        self.tried.append(batch)
        return (
            Trial(batch, batch / (self.start + self.each * batch)) if batch <= self.fits else None
        )


@pytest.mark.parametrize(
    ("fits", "most", "expected"),
    [
        (100, 64, 64),
        (24, 999, 24),
        (30, 999, 24),
        (7, 99, 6),
        (2, 99, 2),
        (99, 5, 4),
        (1, 99, 1),
        (99, 1, 1),
    ],
)
def test_it_grows_while_it_fits(fits, most, expected):
    found = find_batch(Device(fits), most)
    assert found.batch == expected


def test_it_stops_where_larger_batches_learn_no_faster():
    device = Device(10**6, start=0.1, each=1.0)
    assert find_batch(device, 10**6).batch == 2
    assert device.tried == [2, 4]
    assert find_batch(Device(0), 64) is None
    assert find_batch(Device(99), 1).batch == 1


def spec(batch="auto", **more):
    return MemberSpec(arch="unet", encoder="resnet18", weights="none", batch=batch, **more)


@pytest.fixture
def train(tmp_path):
    return open_labelled(write_drawings(tmp_path, train=40) / "train")


def test_what_was_found_is_kept_for_the_run_that_goes_on(train, tmp_path, monkeypatch):
    asked = []

    def steps(network, each, data, device):
        asked.append(each.batch)
        return StepCost(step_s=1.0, peak_bytes=0)

    monkeypatch.setattr(batch_search, "try_steps", steps)
    cpu = torch.device("cpu")
    assert settle_batch(spec(7), train, cpu).batch == 7
    assert settle_batch(spec(), train, cpu, tmp_path).batch == 4  # of 40 images 5 leave 8 steps
    assert asked == [2, 4]
    assert json.loads((tmp_path / BATCH_FILE).read_text()) == {"batch": 4}
    assert settle_batch(spec(), train, cpu, tmp_path).batch == 4
    assert len(asked) == 2
    (tmp_path / BATCH_FILE).write_text("damaged")
    assert settle_batch(spec(), train, cpu, tmp_path).batch == 4
    assert len(asked) == 4


@pytest.mark.parametrize(
    "full",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    ],
)
def test_memory_is_the_limit(train, monkeypatch, full):
    def steps(network, each, data, device):
        if each.batch > 8:
            raise full
        return StepCost(step_s=1.0, peak_bytes=each.batch * 100)

    monkeypatch.setattr(batch_search, "try_steps", steps)
    cpu, windows = torch.device("cpu"), {"window": {"crops": 9}}
    monkeypatch.setattr(batch_search, "free_memory_bytes", lambda: 10**9)
    assert settle_batch(spec(**windows), train, cpu).batch == 8
    monkeypatch.setattr(batch_search, "free_memory_bytes", lambda: 700)  # a tenth is left alone
    assert settle_batch(spec(**windows), train, cpu).batch == 6
    monkeypatch.setattr(batch_search, "free_memory_bytes", lambda: 90)
    with pytest.raises(DeviceError, match="memory for the smallest batch of unet at 512 x 512"):
        settle_batch(spec(**windows), train, cpu)


@pytest.mark.parametrize(("images", "batch"), [(3, 2), (9, 4), (40, 4), (64, 8)])
def test_few_images_leave_few_steps_and_no_batch_of_one(tmp_path, monkeypatch, images, batch):
    few = open_labelled(write_drawings(tmp_path, train=images) / "train")
    monkeypatch.setattr(batch_search, "try_steps", lambda *_: StepCost(step_s=1.0, peak_bytes=0))
    assert settle_batch(spec(), few, torch.device("cpu")).batch == batch


DEEPLAB = {"arch": "deeplabv3", "encoder": "resnet18", "weights": "none", "size": (32, 32)}


def test_a_batch_of_one_is_not_forced_on_batchnorm(train, monkeypatch):
    monkeypatch.setattr(batch_search, "free_memory_bytes", lambda: 0)
    with pytest.raises(DeviceError, match="memory for the smallest batch of deeplabv3"):
        settle_batch(MemberSpec(**DEEPLAB, batch="auto"), train, torch.device("cpu"))


@pytest.mark.parametrize(
    ("keys", "share"), [({"batch": "auto"}, 1), ({"batch": 4}, 1), ({"batch": 8, "devices": 2}, 0)]
)
def test_too_few_images_for_a_network_are_named_as_that(tmp_path, keys, share):
    one = open_labelled(write_drawings(tmp_path, train=1) / "train")
    words = f"deeplabv3 does not learn from batches of {share}: got 1 training image "
    with pytest.raises(ConfigError, match=words):
        settle_batch(MemberSpec(**DEEPLAB, **keys), one, torch.device("cpu"))
    unet = spec(4, size=(64, 64))  # its deepest grid has several values
    assert settle_batch(unet, one, torch.device("cpu")).batch == 1


ZOO = """\
defaults: {weights: none, size: 32, epochs: 1, batch: auto, encoder: resnet18}
members:
  - {name: a, arch: unet, options: {decoder_channels: [16, 16, 8, 8, 8]}}
"""


def test_a_zoo_file_says_auto_and_the_member_says_what_it_was(tmp_path):
    path = write_drawings(tmp_path, train=32) / "zoo.yaml"
    path.write_text(ZOO)
    (planned,) = plan_zoo(path, device="cpu").members
    assert planned.batch in (2, 4)
    assert not (tmp_path / "members").exists()
    train_zoo(path, device="cpu")
    training = read_member(tmp_path / "members" / "a.pt").manifest.training
    assert training["settings"]["batch"] in (2, 4)
    path.write_text(ZOO.replace("batch: auto", "batch: auto, devices: 2"))
    with pytest.raises(ZooFileError, match="devices share needs a number, not auto"):
        read_zoo(path)
    path.write_text(ZOO.replace("batch: auto", "batch: outo"))
    with pytest.raises(ZooFileError, match=r"defaults\.batch"):
        read_zoo(path)


def test_a_batch_is_no_larger_than_the_images_allow(train):
    """Of 40 images; two devices share equal parts."""
    cpu = torch.device("cpu")
    assert settle_batch(spec(64), train, cpu).batch == 40
    few = train.subset(range(9))
    assert settle_batch(spec(64, devices=2), few, cpu).batch == 8
    assert settle_batch(spec(4), few, cpu).batch == 4


def test_a_batch_that_will_not_fit_is_not_tried(train, monkeypatch):
    tried = []

    def steps(network, each, data, device):
        tried.append(each.batch)
        return StepCost(step_s=1.0, peak_bytes=100 + 50 * each.batch)

    monkeypatch.setattr(batch_search, "try_steps", steps)
    monkeypatch.setattr(batch_search, "free_memory_bytes", lambda: 500)
    assert settle_batch(spec(window={"crops": 9}), train, torch.device("cpu")).batch == 6
    assert tried == [2, 4, 6]  # 8 would take 500 of 500
