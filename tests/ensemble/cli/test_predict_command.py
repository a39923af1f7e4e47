"""What `ens predict` tells, by exit code and output, with a member that is real but tiny."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner

from ensemble.classes import ClassList
from ensemble.cli.main import main
from ensemble.members.file import read_member, write_member
from ensemble.members.manifest import InputSpec, Manifest, NetworkSpec, class_field
from ensemble.members.networks import build_network
from fakes import write_images

CLASSES = ClassList(("left", "right"))
NETWORK = NetworkSpec(
    library="smp",
    arch="unet",
    encoder="mobilenet_v2",
    options={"decoder_channels": [8, 8, 8, 8, 8]},
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a member, an image and weights that were made for hflip and prob."""
    torch.manual_seed(0)
    manifest = Manifest(
        name="m",
        network=NETWORK,
        classes=class_field(CLASSES),
        input=InputSpec(size=(32, 32)),
        activation="sigmoid",
        project_version="test",
    )
    network = build_network(NETWORK, in_channels=3, num_classes=len(CLASSES))
    write_member(tmp_path / "members" / "m.pt", manifest, network.state_dict())
    write_images(tmp_path / "test", {"a.png": (40, 50)})
    entry = {"weights": {"m": 1.0}, "threshold": 0.5}
    weights = {
        "format": "ens-weights",
        "version": 1,
        "views": "hflip",
        "members": [{"name": "m"}],
        "classes": dict.fromkeys(CLASSES.names, entry),
    }
    (tmp_path / "per-class.json").write_text(json.dumps(weights))
    monkeypatch.chdir(tmp_path)


def predict(*words):
    return CliRunner().invoke(main, ["predict", "--device", "cpu", *words])


@pytest.mark.parametrize(
    ("words", "note"),
    [
        ([], None),
        (["--tta", "hflip", "--fuse", "prob"], None),
        (["--tta", "vflip"], "was made for --tta hflip; with --tta vflip its weights"),
        (
            ["--tta", "", "--fuse", "logit"],
            "was made for --tta hflip and --fuse prob; with no --tta and --fuse logit its weights",
        ),
    ],
)
def test_weights_that_were_made_for_something_else_are_noted(here, words, note):
    answer = predict("--weights", "per-class.json", *words)
    assert answer.exit_code == 0, answer.output
    notes = [line for line in answer.stderr.splitlines() if line.startswith("note: ")]
    assert len(notes) == (note is not None)
    assert note is None or notes[0].startswith(f"note: per-class.json {note}")
    assert answer.stdout == "predictions.csv: 1 image\n"


@pytest.mark.parametrize("out", ["members/m.pt", "per-class.json"])
def test_members_and_weights_are_not_written_over(here, out):
    before = Path(out).read_bytes()
    answer = predict("--weights", "per-class.json", "--out", out)
    assert answer.exit_code == 1
    assert "would overwrite what it is made from" in answer.stderr
    assert Path(out).read_bytes() == before


def test_inspect_takes_names_folders_and_globs_as_members_do(here):
    Path("members/n.pt").write_bytes(Path("members/m.pt").read_bytes())
    for word, count in (("m", 1), ("members/m.pt", 1), ("members/", 2), ("members/*.pt", 2)):
        answer = CliRunner().invoke(main, ["inspect", word, "--json"])
        assert answer.exit_code == 0, answer.output
        lines = [json.loads(line) for line in answer.stdout.splitlines()]
        assert [line["name"] for line in lines] == ["m"] * count
    answer = CliRunner().invoke(main, ["inspect", "m"])
    assert yaml.safe_load(answer.stdout)["name"] == "m"


def test_inspect_shows_several_members_as_a_table(here):
    stored = read_member(Path("members/m.pt"))
    told = {"val_dice": 0.51234, "parameters": 12345, "ms_per_image": 7.06}
    manifest = stored.manifest.model_copy(update={"name": "n", "training": told})
    write_member(Path("members/n.pt"), manifest, stored.state_dict)
    answer = CliRunner().invoke(main, ["inspect", "members"])
    rows = [line.split() for line in answer.stdout.splitlines()[1:]]
    same = ["unet", "mobilenet_v2", "32", "x", "32", "2"]
    assert rows == [["m", *same, "-", "-", "-"], ["n", *same, "0.5123", "12,345", "7.1"]]


def test_faults_of_the_weights_are_told_in_words_of_the_file(here):
    path = Path("per-class.json")
    content = json.loads(path.read_text())
    content["classes"]["left"] = {"weights": {"m": "1"}, "treshold": 0.5}
    path.write_text(json.dumps(content))
    answer = predict("--weights", "per-class.json")
    assert answer.exit_code == 1
    assert answer.stderr == (
        "Error: per-class.json: is not a weights file: "
        "classes.left.weights.m: must be a number, got '1', "
        "classes.left.threshold: is missing, "
        "classes.left.treshold: unknown key, did you mean threshold?\n"
    )


def test_uncertainty_lies_in_a_folder_of_its_own(here):
    answer = predict("--uncertainty", "doubts")
    assert answer.exit_code == 0, answer.output
    assert {path.name for path in Path("doubts").iterdir()} == {"a.png", "uncertainty.csv"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--uncertainty", "test/doubts"], "would lie among the images"),
        (["--uncertainty", "d", "--uncertainty-of", "disagreement"], "needs two members or more"),
    ],
)
def test_uncertainty_that_cannot_be_is_said_in_one_line(here, words, said):
    answer = predict(*words)
    assert answer.exit_code == 1
    assert said in answer.stderr
    assert not Path("predictions.csv").exists()


def test_it_says_which_weights_it_takes(here):
    alone = predict()
    assert "every member weighs the same, thresholds .5; --weights per-class.json" in alone.stderr
    assert (
        "weights and thresholds of per-class.json" in predict("--weights", "per-class.json").stderr
    )
    Path("per-class.json").unlink()
    assert "weighs the same, thresholds .5\n" in predict().stderr


def test_a_tilde_is_the_home_folder_where_no_shell_says_so(here, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    answer = predict("--out=~/masks.csv")
    assert answer.exit_code == 0, answer.output
    assert (tmp_path / "home" / "masks.csv").is_file()
    assert not Path("~").exists()
