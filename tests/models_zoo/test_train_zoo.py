import csv
import json
import os
import shutil
import signal

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from drawings import NAMES, write_drawings
from layouts import write_index_maps

import reference
from ensemble.cli.main import main
from ensemble.data.datasets import open_labelled
from ensemble.dice import image_dice
from ensemble.errors import ConfigError, MemberError
from ensemble.fusion.inference import soft_map
from ensemble.fusion.weights import uniform_weights
from ensemble.images.reading import read_image
from ensemble.maps.masks import maps_to_runs
from ensemble.maps.views import IDENTITY, parse_views
from ensemble.members import compilation
from ensemble.members.file import read_member
from ensemble.members.manifest import WindowSpec
from ensemble.members.member import load_member
from ensemble.members.preprocess import prepare_image
from ensemble.runs.rle import encode
from ensemble.tuning.tune_weights import TuningSettings, tune_weights
from models_zoo.train_zoo import train_zoo
from models_zoo.training.validation import Validator

CPU = torch.device("cpu")
DEFAULTS = (
    "defaults: {weights: none, size: 32, epochs: 2, batch: 3, encoder: resnet18, lr: 2.0e-3}\n"
)
UNET = "  - {name: unet, arch: unet, options: {decoder_channels: [16, 16, 8, 8, 8]}}\n"
LRASPP = "  - {name: lraspp, arch: torchvision/lraspp_mobilenet_v3_large, size: [32, 64]}\n"


class Hearer:
    """Keeps what it is told, and interrupts the run after an epoch if asked to."""

    def __init__(self, stop_after=None, error=KeyboardInterrupt):
        self.notes, self.epochs = [], []
        self._stop_after, self._error = stop_after, error

    def note(self, member, text):
        self.notes.append((member, text))

    def epoch(self, result):
        self.epochs.append(result)
        if len(self.epochs) == self._stop_after:
            raise self._error


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def zoo_file(tmp_path):
    path = write_drawings(tmp_path) / "zoo.yaml"
    path.write_text(f"{DEFAULTS}members:\n{UNET}", encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_zoo_becomes_members_and_a_leaderboard(zoo_file, capfd):
    data = "data: {groups: '[a-z]+[0-9]'}\n"
    zoo_file.write_text(f"{data}{DEFAULTS}members:\n{UNET}{LRASPP}", encoding="utf-8")
    hearer = Hearer()

    training = train_zoo(zoo_file, device="cpu", reporter=hearer)

    assert training.failed == {}
    assert [(r.member, r.epoch) for r in hearer.epochs] == [
        (name, epoch) for name in ("unet", "lraspp") for epoch in (1, 2)
    ]
    assert capfd.readouterr() == ("", "")
    folder = zoo_file.parent / "members"
    assert sorted(path.name for path in folder.iterdir()) == [
        ".train",
        "leaderboard.csv",
        "lraspp.pt",
        "split.csv",
        "unet.pt",
    ]
    assert read_member(folder / "unet.pt").manifest.training["groups"] == "[a-z]+[0-9]"
    text = (folder / "leaderboard.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert list(rows[0])[:6] == ["member", "arch", "encoder", "size", "parameters", "val_dice"]
    assert list(rows[0])[6:9] == [f"dice:{name}" for name in NAMES]
    assert [row["member"] for row in rows] == [s.member for s in training.standings]
    assert float(rows[0]["val_dice"]) >= float(rows[1]["val_dice"])
    assert {row["size"] for row in rows} == {"32 x 32", "32 x 64"}


@pytest.mark.slow
def test_a_member_of_every_fold_is_tuned_on_what_it_did_not_learn_from(zoo_file, tmp_path):
    data = "data: {split: {folds: 2, fold: all}}\n"
    zoo_file.write_text(f"{data}{DEFAULTS}members:\n{UNET}", encoding="utf-8")
    hearer = Hearer()

    training = train_zoo(zoo_file, device="cpu", reporter=hearer)
    again = train_zoo(zoo_file, device="cpu", reporter=hearer)

    folder = zoo_file.parent
    assert again.skipped == ("unet-f0", "unet-f1")
    assert {row.member for row in training.standings} == {"unet-f0", "unet-f1"}
    assert len(hearer.epochs) == 4
    settings = TuningSettings(
        out=tmp_path / "w.json", cache=tmp_path / "cache", num_folds=2, out_of_fold=True
    )
    result = tune_weights(folder / "train", [str(folder / "members")], settings)
    assert result.source_names == ("unet",)
    assert result.weights.members == ("unet-f0", "unet-f1")
    stated = [
        row.val_dice * count
        for row, count in zip(
            sorted(training.standings, key=lambda row: row.member), (3, 3), strict=True
        )
    ]
    train = open_labelled(folder / "train")
    assert sum(stated) / len(train.samples) == pytest.approx(
        result.validation.scores["uniform"].mean(), abs=2e-3
    )


@pytest.mark.slow
def test_the_stated_dice_is_that_of_the_member_in_prediction(zoo_file):
    (standing,) = train_zoo(zoo_file, device="cpu").standings
    member = load_member(zoo_file.parent / "members" / standing.file, CPU)
    val = open_labelled(zoo_file.parent / "val")

    rows = []
    for sample in val.samples:
        pixels = prepare_image(read_image(sample.image), member.manifest.input)
        maps = soft_map(member, pixels, (IDENTITY,), "prob").numpy()
        label = val.read_label(sample)
        rows.append(image_dice(maps_to_runs([maps], np.full(3, 0.5), label.size), label))

    told = member.manifest.training
    np.testing.assert_allclose(
        np.mean(rows, axis=0), [told["val_dice_per_class"][name] for name in NAMES], atol=1e-3
    )
    assert standing.val_dice == pytest.approx(np.mean(rows), abs=1e-3)
    assert (told["train_images"], told["val_images"], told["epochs"]) == (6, 3, 2)
    assert member.manifest.class_list == val.classes
    assert json.dumps(told)
    # the average takes part in every step, its counters too: 2 batches an epoch
    state = read_member(zoo_file.parent / "members" / standing.file).state_dict
    counters = [value for key, value in state.items() if key.endswith("num_batches_tracked")]
    assert {int(value) for value in counters} == {2 * standing.best_epoch}


@pytest.mark.slow
def test_the_stated_dice_is_that_of_a_member_with_windows_in_prediction(zoo_file):
    for image in (zoo_file.parent / "train").rglob("train0.png"):
        pixels = cv2.imread(str(image), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(image), pixels[:24, :64])  # smaller than a window, and than the others
    windowed = UNET.replace("name: unet", "name: unet, window: {crops: 2}")
    zoo_file.write_text(f"{DEFAULTS}members:\n{windowed}", encoding="utf-8")

    training = train_zoo(zoo_file, device="cpu")

    assert training.failed == {}
    assert training.standings[0].size == "32 x 32 windows"
    member = load_member(training.folder / "unet.pt", CPU)
    assert member.manifest.input.window == WindowSpec()
    val, rows = open_labelled(zoo_file.parent / "val"), []
    for sample in val.samples:
        image = read_image(sample.image)
        views, weights = parse_views(""), uniform_weights([member])
        fused = reference.fused_map([member], weights, views, image)
        masks = [encode(plane > 0.5) for plane in fused]
        rows.append(image_dice(masks, val.read_label(sample)))
    told = member.manifest.training
    np.testing.assert_allclose(
        np.mean(rows, axis=0), [told["val_dice_per_class"][name] for name in NAMES], atol=1e-3
    )
    # 6 images of 2 crops in batches of 3
    state = read_member(training.folder / "unet.pt").state_dict
    counters = [value for key, value in state.items() if key.endswith("num_batches_tracked")]
    assert {int(value) for value in counters} == {4 * told["best_epoch"]}


@pytest.mark.slow
@pytest.mark.parametrize(("error", "arch"), [(KeyboardInterrupt, "unet"), (RuntimeError, "pspnet")])
def test_an_interrupted_run_goes_on_and_ends_like_a_whole_one(zoo_file, tmp_path, error, arch):
    """A PSPNet drops values by chance, which must be the same chance."""
    other = "  - {name: unet, arch: pspnet, options: {psp_dropout: 0.5}}\n"
    if arch == "pspnet":
        zoo_file.write_text(f"{DEFAULTS}members:\n{other}", encoding="utf-8")
    whole = train_zoo(zoo_file, device="cpu", out=tmp_path / "whole")
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(error):
        train_zoo(zoo_file, device="cpu", reporter=Hearer(stop_after=1, error=error))
    assert signal.getsignal(signal.SIGINT) is handler
    assert not (tmp_path / "members" / "unet.pt").exists()

    hearer = Hearer()
    resumed = train_zoo(zoo_file, device="cpu", reporter=hearer)

    assert [result.epoch for result in hearer.epochs] == [2]
    assert ("unet", "goes on where an earlier run stopped") in hearer.notes
    first, second = (
        load_member(folder / "unet.pt", CPU).network.state_dict()
        for folder in (tmp_path / "whole", tmp_path / "members")
    )
    for key, value in first.items():
        torch.testing.assert_close(second[key], value, rtol=1e-4, atol=1e-5)
    assert resumed.standings[0].val_dice == pytest.approx(whole.standings[0].val_dice, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("soup_dice", "stop_after"), [(0.9, 2), (0.1, None)])
def test_a_soup_is_the_mean_of_the_last_epochs_and_kept_only_if_it_is_better(
    zoo_file, monkeypatch, soup_dice, stop_after
):
    text = zoo_file.read_text(encoding="utf-8").replace("epochs: 2", "epochs: 4, soup: 2")
    zoo_file.write_text(text, encoding="utf-8")
    scores, scored = iter((0.2, 0.5, 0.3, 0.4, soup_dice)), []

    def dice(validator, network):
        scored.append({key: value.clone() for key, value in network.state_dict().items()})
        return np.full(3, next(scores))

    monkeypatch.setattr(Validator, "dice", dice)
    if stop_after:
        with pytest.raises(KeyboardInterrupt):
            train_zoo(zoo_file, device="cpu", reporter=Hearer(stop_after))

    (standing,) = train_zoo(zoo_file, device="cpu").standings

    member = read_member(zoo_file.parent / "members" / "unet.pt")
    is_soup = soup_dice == 0.9
    assert standing.val_dice == pytest.approx(0.9 if is_soup else 0.5)
    told = (member.manifest.training["soup"], standing.best_epoch)
    assert told == ((2, 4) if is_soup else (0, 2))
    for key, value in member.state_dict.items():
        third, fourth = scored[2][key], scored[3][key]
        is_counter = key.endswith("num_batches_tracked")
        mean = fourth if is_counter else (third + fourth) / 2
        torch.testing.assert_close(value, mean if is_soup else scored[1][key])


@pytest.mark.slow
def test_batches_that_make_a_step_together_count_as_one(zoo_file):
    """2 batches of 3 an epoch, accumulated to a step of 6, against 1 batch of 6."""
    text = zoo_file.read_text(encoding="utf-8").replace("epochs: 2", "epochs: 2, augment: none")
    apart = UNET.replace("name: unet", "name: apart, accumulate: 2, loss: bce")
    whole = UNET.replace("name: unet", "name: whole, batch: 6, loss: bce")
    text = text.replace(UNET, apart + whole)
    zoo_file.write_text(text, encoding="utf-8")

    training = train_zoo(zoo_file, device="cpu")

    first, second = (
        read_member(training.folder / f"{name}.pt").state_dict for name in ("apart", "whole")
    )
    # batch normalisation sees other batches, so weights agree but roughly; a step more would not
    key = "segmentation_head.0.bias"
    torch.testing.assert_close(first[key], second[key], atol=2e-4, rtol=0.02)


@pytest.mark.slow
def test_a_compiled_member_learns_the_same(zoo_file, monkeypatch):
    monkeypatch.setattr(compilation, "_BACKEND", "aot_eager")  # traced, but without a C++ compiler
    text = zoo_file.read_text(encoding="utf-8")
    compiled = UNET.replace("name: unet", "name: compiled, compile: true")
    zoo_file.write_text(text + compiled, encoding="utf-8")
    hearer = Hearer()

    training = train_zoo(zoo_file, device="cpu", reporter=hearer)

    torch.compiler.reset()
    assert training.failed == {}
    losses = {(r.member, r.epoch): r.train_loss for r in hearer.epochs}
    assert losses["compiled", 2] == pytest.approx(losses["unet", 2], rel=1e-3)
    plain, traced = (
        read_member(training.folder / f"{name}.pt").state_dict for name in ("unet", "compiled")
    )
    assert list(traced) == list(plain)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["last.ckpt", "best.pt"])
def test_a_damaged_state_is_told_and_the_member_trained_anew(zoo_file, name):
    with pytest.raises(KeyboardInterrupt):
        train_zoo(zoo_file, device="cpu", reporter=Hearer(stop_after=1))
    path = zoo_file.parent / "members" / ".train" / "unet" / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    hearer = Hearer()
    assert train_zoo(zoo_file, device="cpu", reporter=hearer).failed == {}

    ((member, text),) = hearer.notes
    assert member == "unet"
    assert text.startswith("is trained anew, cannot go on: ")
    assert name in text
    assert [result.epoch for result in hearer.epochs] == [1, 2]


@pytest.mark.slow
def test_a_finished_member_is_trained_again_only_if_something_changed(zoo_file):
    train_zoo(zoo_file, device="cpu")

    again = Hearer()
    assert train_zoo(zoo_file, device="cpu", reporter=again).skipped == ("unet",)
    assert again.epochs == []

    text = zoo_file.read_text(encoding="utf-8").replace("epochs: 2", "epochs: 1")
    zoo_file.write_text(text, encoding="utf-8")
    shorter = Hearer()
    assert train_zoo(zoo_file, device="cpu", reporter=shorter).skipped == ()
    assert ("unet", "is trained anew, changed: epochs") in shorter.notes
    assert len(shorter.epochs) == 1

    masks = zoo_file.parent / "train" / "masks" / "left"
    os.utime(masks / "train0.png", ns=(0, 0))
    assert train_zoo(zoo_file, device="cpu").skipped == ("unet",)

    shutil.copy(masks / "train1.png", masks / "train0.png")
    relabelled = Hearer()
    train_zoo(zoo_file, device="cpu", reporter=relabelled)
    assert ("unet", "is trained anew, changed: data") in relabelled.notes


@pytest.mark.slow
def test_a_member_that_fails_does_not_stop_the_others(zoo_file):
    # inputs that overflow
    broken = UNET.replace("name: unet", "name: broken, std: [1.0e-38, 1.0e-38, 1.0e-38]")
    zoo_file.write_text(f"{DEFAULTS}members:\n{broken}{UNET}", encoding="utf-8")

    result = CliRunner().invoke(main, ["train-zoo", str(zoo_file), "--device", "cpu", "--json"])

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["failed"]["broken"].startswith("broken: the loss is nan in epoch 1")
    assert [standing["member"] for standing in told["standings"]] == ["unet"]
    assert "unet: epoch 2/2  loss " in result.stderr
    assert "Error: 1 member could not be trained: broken: the loss is nan" in result.stderr


@pytest.mark.slow
def test_exclusive_classes_are_trained_and_scored(tmp_path):
    rng = np.random.default_rng(0)
    maps = {f"i{n}": rng.integers(0, 3, (40, 56), np.uint8) for n in range(4)}
    for values in maps.values():
        values[:3] = 255
    yaml = "names: [background, a, b]\nexclusive: true\nignore: 255\n"
    write_index_maps(tmp_path / "train", maps, yaml)
    path = tmp_path / "zoo.yaml"
    path.write_text(f"data: {{split: {{folds: 2}}}}\n{DEFAULTS}members:\n{UNET}", encoding="utf-8")

    (standing,) = train_zoo(path, device="cpu").standings

    member = load_member(tmp_path / "members" / standing.file, CPU)
    assert member.manifest.activation == "softmax"
    assert list(standing.class_dice) == ["background", "a", "b"]
    assert 0.1 < standing.val_dice < 0.6


def test_weights_of_classes_that_the_data_lack_are_told_before_training(zoo_file):
    weighed = UNET.replace("name: unet", "name: unet, class_weights: {left: 2, Radius: 3}")
    zoo_file.write_text(f"{DEFAULTS}members:\n{weighed}", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"zoo.yaml: class_weights .*of left, .*got Radius"):
        train_zoo(zoo_file, device="cpu")


def test_only_names_members_that_exist(zoo_file):
    with pytest.raises(ConfigError, match="one of unet"):
        train_zoo(zoo_file, only=["unett"])


@pytest.mark.slow
def test_a_foreign_file_among_the_members_stops_nothing(zoo_file):
    folder = zoo_file.parent / "members"
    folder.mkdir()
    torch.save({"state_dict": {}}, folder / "theirs.pt")
    hearer = Hearer()

    training = train_zoo(zoo_file, device="cpu", reporter=hearer)

    assert training.failed == {}
    assert [row.member for row in training.standings] == ["unet"]
    ((place, text),) = hearer.notes
    assert place == "leaderboard.csv"
    assert text.startswith(f"leaves out {folder / 'theirs.pt'}: is a checkpoint, but no member")
    assert "(move it elsewhere, or make it a member with ens adopt)" in text


def test_a_foreign_file_in_place_of_a_member_is_not_overwritten(zoo_file):
    path = zoo_file.parent / "members" / "unet.pt"
    path.parent.mkdir()
    path.write_bytes(b"something else")
    with pytest.raises(MemberError, match=r"unet\.pt: is no member file"):
        train_zoo(zoo_file, device="cpu")
    assert path.read_bytes() == b"something else"
