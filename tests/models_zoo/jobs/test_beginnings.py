"""What members begin with is known before the first of them trains."""

import pytest
import segmentation_models_pytorch as smp
import torch
from click.testing import CliRunner
from drawings import write_drawings

from ensemble.cli.main import main
from ensemble.members.networks import build_network
from models_zoo.jobs.training_plan import plan_zoo
from models_zoo.settings.zoo_file import read_zoo
from models_zoo.train_zoo import train_zoo

DEFAULTS = (
    "defaults: {weights: none, size: 32, epochs: 1, batch: 3, arch: unet, encoder: resnet18,"
    " options: {decoder_channels: [16, 16, 8, 8, 8]}}\n"
)
SPLIT = "data: {split: {folds: 2, fold: all}}\n"


class Hearer:
    """Keeps what it is told, in order."""

    def __init__(self):
        self.told = []

    def note(self, member, text):
        self.told.append((member, text))

    def epoch(self, result):
        self.told.append((result.member, "an epoch"))


def _zoo(tmp_path, *members, data=""):
    path = write_drawings(tmp_path) / "zoo.yaml"
    lines = "".join(f"  - {{{member}}}\n" for member in members)
    path.write_text(f"{data}{DEFAULTS}members:\n{lines}", encoding="utf-8")
    return path


@pytest.fixture
def offline(monkeypatch):
    """Encoders of imagenet cannot be fetched; answers with those that were asked for."""
    asked, create = [], smp.create_model

    def create_model(arch, encoder_name, encoder_weights, **options):
        if encoder_weights is not None:
            asked.append(encoder_name)
            raise FileNotFoundError("no connection. Please check it")
        return create(arch, encoder_name=encoder_name, encoder_weights=None, **options)

    monkeypatch.setattr(smp, "create_model", create_model)
    return asked


@pytest.mark.slow
def test_what_cannot_be_begun_is_told_before_others_train(tmp_path, offline):
    torch.save({"model": {"a": torch.ones(1)}, "ema": {"a": torch.ones(1)}}, tmp_path / "two.pth")
    path = _zoo(tmp_path, "name: a", "name: b, weights: imagenet", "name: c, weights: two.pth")
    hearer = Hearer()

    training = train_zoo(path, device="cpu", reporter=hearer)

    assert [member for member, _ in hearer.told] == ["b", "c", "a"]
    assert hearer.told[0][1].startswith("failed: the imagenet weights of resnet18 cannot be fetc")
    assert "two.pth: holds several sets of weights: got model, ema (save the" in hearer.told[1][1]
    assert (list(training.failed), [row.member for row in training.standings]) == (
        ["b", "c"],
        ["a"],
    )


def test_a_network_is_fetched_once_for_all_folds(tmp_path, offline):
    members = ("name: a, weights: imagenet", "name: b, weights: imagenet, seed: 1")
    path = _zoo(tmp_path, *members, data=SPLIT)
    training = train_zoo(path, device="cpu")
    assert sorted(training.failed) == ["a-f0", "a-f1", "b-f0", "b-f1"]
    assert offline == ["resnet18"]


def test_each_member_has_a_line_of_its_own_at_the_end(tmp_path, offline):
    path = _zoo(tmp_path, "name: a, weights: imagenet", "name: b, seed: 1, weights: imagenet")
    result = CliRunner().invoke(main, ["train-zoo", str(path), "--device", "cpu"])
    assert (result.exit_code, result.stdout) == (1, "")
    first, *lines = result.stderr[result.stderr.index("Error: ") :].splitlines()
    assert first == "Error: 2 members could not be trained:"
    assert lines == [
        f"  {name}: the imagenet weights of resnet18 cannot be fetched: no connection "
        "(run this once where there is a network, or set weights: none, or a file)"
        for name in "ab"
    ]


def test_a_dry_run_looks_into_files_too(tmp_path):
    network = smp.create_model("fpn", encoder_name="mobilenet_v2", encoder_weights=None)
    torch.save(network.state_dict(), tmp_path / "other.pth")
    path = _zoo(tmp_path, "name: a, weights: other.pth")
    (member,) = plan_zoo(path, device="cpu").members
    assert "other.pth: holds another network" in member.fault
    result = CliRunner().invoke(main, ["train-zoo", str(path), "--dry-run"])
    assert "Error: 1 member cannot be trained: a: " in result.stderr


@pytest.mark.slow
def test_what_is_taken_of_a_file_is_told(tmp_path):
    path = _zoo(tmp_path, "name: a, weights: start.pth")
    (tmp_path / "start.pth").touch()  # a zoo file names no file that is not there
    (spec,) = read_zoo(path).members
    network = build_network(spec.network, in_channels=3, num_classes=5)
    torch.save(network.state_dict(), tmp_path / "start.pth")
    hearer = Hearer()
    train_zoo(path, device="cpu", reporter=hearer)
    note = "segmentation_head: begins anew, for another number of classes"
    assert hearer.told == [("a", note), ("a", "an epoch")]
