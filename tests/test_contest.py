"""The home task from end to end: a contest folder in, the contest's file out, to the byte."""

import io

import numpy as np
import pandas as pd
import pytest

import reference
from ensemble.classes import HAND_BONES
from ensemble.data.datasets import open_images, open_labelled
from ensemble.evaluate import evaluate
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.weights import uniform_weights
from ensemble.images.reading import read_image
from ensemble.predict import predict
from fakes import tiny_member
from models_zoo.phantom import make_phantom


@pytest.fixture(scope="module")
def contest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contest")
    make_phantom(folder, images=12, size=96)
    (folder / "classes.yaml").unlink()  # the contest has none
    return folder


@pytest.fixture(scope="module")
def ensemble():
    members = [tiny_member(f"m{i}", HAND_BONES, (32, 32 + 16 * i), seed=i) for i in range(3)]
    for member in members:
        member.network.bias.data[5] = -50  # a bone that nobody sees
    return Ensemble(members, uniform_weights(members))


def contest_csv(ensemble, folder):
    """What the contest's code does: full-size maps, > 0.5, encode, append, and a pandas table."""
    columns = {"image_name": [], "class": [], "rle": []}
    members = ensemble.members
    for path in sorted(folder.rglob("*.png")):
        fused = reference.fused_map(members, ensemble.weights, ensemble.views, read_image(path))
        assert np.abs(fused - 0.5).min() > 1e-7
        for name, plane in zip(HAND_BONES.names, fused, strict=True):
            columns["image_name"].append(path.name)
            columns["class"].append(name)
            columns["rle"].append(reference.rle_string(plane > 0.5))
    text = io.StringIO()
    pd.DataFrame(columns).to_csv(text, index=False)
    return text.getvalue().encode()


def test_the_file_equals_the_contests_to_the_byte(contest, ensemble, tmp_path):
    predict(ensemble, open_images(contest / "test"), tmp_path / "p.csv")
    expected = contest_csv(ensemble, contest / "test" / "DCM")
    assert expected.count(b",\n") > 0, "there should be an empty mask to compare"
    assert (tmp_path / "p.csv").read_bytes() == expected


def test_the_classes_are_the_contests_without_a_class_list(contest):
    assert open_labelled(contest / "val").classes == HAND_BONES


def test_a_network_that_was_never_trained_scores_low(contest, ensemble, tmp_path):
    labelled = open_labelled(contest / "val")
    predict(ensemble, open_images(contest / "val"), tmp_path / "p.csv")
    assert evaluate(tmp_path / "p.csv", labelled).mean < 0.5
