import cv2
import numpy as np
import pytest
from drawings import write_drawings

from ensemble.data.datasets import open_labelled
from ensemble.errors import OutputError
from ensemble.members.manifest import InputSpec
from ensemble.progress import silent
from models_zoo.examples.example_cache import ExampleCache
from models_zoo.examples.loader import read_example
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.train_zoo import train_zoo
from models_zoo.training import learner as training
from models_zoo.training.learner import training_set

INPUT = InputSpec(size=(32, 64))


@pytest.fixture
def train(tmp_path):
    return open_labelled(write_drawings(tmp_path, train=4) / "train")


def counted_make(train, index, spec=INPUT):
    calls = []

    def make():
        calls.append(index)
        return read_example(train, index, spec)

    return make, calls


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_is_kept_is_what_was_made(train, tmp_path):
    cache = ExampleCache.within(tmp_path, "data")
    make, calls = counted_make(train, 2)
    made, kept = (cache.get("train2.png", INPUT, make) for _ in range(2))
    assert calls == [2]
    for field in ("image", "planes", "ignored"):
        np.testing.assert_array_equal(getattr(kept, field), getattr(made, field))
        assert getattr(kept, field).dtype == getattr(made, field).dtype
    other, seen = counted_make(train, 2, InputSpec(size=(64, 32)))
    assert cache.get("train2.png", InputSpec(size=(64, 32)), other).ignored.shape == (64, 32)
    assert seen == [2]


DAMAGES = {
    "empty": lambda content: b"",
    "no keys": lambda content: b"{}\n",
    "no json": lambda content: b"no json",
    "cut": lambda content: content[:-1],
    "a bit": lambda content: content[:400] + bytes([content[400] ^ 4]) + content[401:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_made_anew(train, tmp_path, damage):
    cache = ExampleCache.within(tmp_path, "data")
    make, calls = counted_make(train, 0)
    first = cache.get("a", INPUT, make)
    (path,) = files(tmp_path / ".examples")
    path.write_bytes(damage(path.read_bytes()))
    again = cache.get("a", INPUT, make)
    assert len(calls) == 2
    np.testing.assert_array_equal(first.planes, again.planes)
    cache.get("a", INPUT, make)
    assert len(calls) == 2


def test_a_cache_that_cannot_be_written_says_so(train, tmp_path):
    (tmp_path / ".examples").write_text("a file")
    cache = ExampleCache.within(tmp_path, "data")
    with pytest.raises(OutputError, match=r"cache of examples cannot be written.*cache: none"):
        cache.get("a", INPUT, counted_make(train, 0)[0])


def test_what_networks_see_is_the_same_with_and_without(train, tmp_path):
    spec = MemberSpec(arch="unet", size=(32, 64), weights="none")
    cache = ExampleCache.within(tmp_path / "members", "data")
    plain = training_set(train, spec, silent)
    filled = training_set(train, spec, silent, cache)
    for kept in (filled, training_set(train, spec, silent, cache)):
        for index in range(4):
            a, b = plain.example((1, index)), kept.example((1, index))
            np.testing.assert_array_equal(a.image, b.image)
            np.testing.assert_array_equal(a.planes, b.planes)
    assert len(files(tmp_path / "members")) == 4


ZOO = """\
defaults: {weights: none, size: 32, epochs: 1, batch: 2, encoder: resnet18}
members:
  - {name: a, arch: unet, options: {decoder_channels: [16, 16, 8, 8, 8]}}
  - {name: b, arch: unet, seed: 1, options: {decoder_channels: [16, 16, 8, 8, 8]}}
"""


def test_members_share_it_and_the_last_one_removes_it(tmp_path, monkeypatch):
    path = write_drawings(tmp_path, train=4) / "zoo.yaml"
    path.write_text(ZOO)
    read = []

    def reading(train, index, spec):
        read.append(train.samples[index].name)
        return read_example(train, index, spec)

    monkeypatch.setattr(training, "read_example", reading)
    train_zoo(path, device="cpu", only=["a"])
    assert sorted(read) == [f"train{i}.png" for i in range(4)]
    kept = files(tmp_path / "members" / ".train" / ".examples")
    assert len(kept) == 4

    image = tmp_path / "train" / "masks" / "left" / "train1.png"
    mask = cv2.imread(str(image), 0)
    cv2.imwrite(str(image), cv2.flip(mask, 0)[:, ::-1])  # any change of a file makes all anew
    train_zoo(path, device="cpu", only=["b"])
    assert len(read) == 8
    assert not set(kept) & set(files(tmp_path / "members" / ".train"))
    train_zoo(path, device="cpu")
    assert not (tmp_path / "members" / ".train" / ".examples").exists()


def test_without_a_cache_nothing_is_kept(tmp_path):
    path = write_drawings(tmp_path, train=4) / "zoo.yaml"
    path.write_text("data: {cache: none}\n" + ZOO)
    train_zoo(path, device="cpu", only=["a"])
    assert not (tmp_path / "members" / ".train" / ".examples").exists()
