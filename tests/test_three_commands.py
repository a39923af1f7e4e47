"""The three commands as a user types them, where zoo.yaml, train/, val/ and test/ are."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from ensemble.cli.main import main
from models_zoo.phantom import make_phantom

NUCLEI = Path(__file__).parents[2] / "shared" / "data" / "nuclei"
ZOO = """
defaults: {{size: 64, epochs: {epochs}, batch: 4, lr: 0.003, weights: none, ema_decay: 0.9}}
members:
  - {{name: a, arch: unet, encoder: mobilenet_v2, options: {options}}}
  - {{name: b, arch: torchvision/lraspp_mobilenet_v3_large}}
"""
SLIM = "{encoder_depth: 3, decoder_channels: [32, 16, 16]}"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(*args):
    result = CliRunner().invoke(main, list(args), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def run_the_three_commands(folder, monkeypatch, epochs):
    monkeypatch.chdir(folder)
    Path("zoo.yaml").write_text(ZOO.format(epochs=epochs, options=SLIM))
    run("train-zoo", "zoo.yaml")
    run("tune-weights", "val/")
    run("predict", "--members", "a.pt,b.pt", "--weights", "per-class.json")
    return json.loads(run("evaluate", "predictions.csv", "test/", "--json").stdout)


@pytest.mark.slow
def test_on_phantom_hands_in_the_contests_layout(tmp_path, monkeypatch):
    make_phantom(tmp_path, images=20, size=96)
    scores = run_the_three_commands(tmp_path, monkeypatch, epochs=2)
    assert len(scores["per_class"]) == 29
    with Path("members/leaderboard.csv").open() as stream:
        assert {row["member"] for row in csv.DictReader(stream)} == {"a", "b"}
    weights = json.loads(Path("per-class.json").read_text())
    assert set(weights["evidence"]["score"]) >= {"best_single", "uniform", "shared", "tuned"}


@pytest.mark.nuclei
@pytest.mark.slow
@pytest.mark.skipif(not NUCLEI.is_dir(), reason="the real images lie beside the checkout, or not")
def test_on_real_nuclei_of_many_sizes(tmp_path, monkeypatch):
    for part in ("train", "val", "test"):
        (tmp_path / part).mkdir()
        for kind, images in (("images", "images"), ("masks", "masks/nucleus")):
            for path in sorted((NUCLEI / part / images).iterdir()):
                target = tmp_path / part / kind / ("" if kind == "images" else "nucleus")
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    shutil.copy(NUCLEI / "classes.yaml", tmp_path)
    scores = run_the_three_commands(tmp_path, monkeypatch, epochs=4)
    assert scores["mean_dice"] > 0.3, "an untrained network scores about a tenth"
