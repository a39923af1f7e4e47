"""The schema and the reader agree on what a zoo file may say."""

import json

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from ensemble.cli.main import main
from models_zoo.settings.example_file import EXAMPLE
from models_zoo.settings.schema import zoo_schema
from models_zoo.settings.zoo_file import ZooFileError, read_zoo


@pytest.fixture(scope="module")
def validator():
    schema = zoo_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


GOOD = [
    EXAMPLE,
    "members: [{arch: unet, weights: none, size: 64}]",
    "defaults: {arch: fpn, weights: none, size: 64}\nmembers: [{encoder: resnet18}]",
    "members: [{arch: unet, weights: none, size: [64, 96], window: none, augment: none}]",
    "members: [{arch: unet, weights: none, size: 64, channels: 1, mean: 0.4, std: 0.2}]",
    "members: [{arch: unet, encoder: tu-resnet18, weights: none, size: 64}]",
    "members: [{arch: lraspp_mobilenet_v3_large, library: torchvision, weights: none, size: 64}]",
    "data: {split: {folds: 3, fold: all}}\n"
    "defaults: {weights: none, sweep: {size: [64, [64, 96]]}}\n"
    "members: [{sweep: {arch: [unet, fpn], augment: [none, {hflip: 0}]}}]",
]
BAD = [
    "members: []",
    "defaults: {arch: unet}",
    "members: [{arch: unett}]",
    "members: [{arch: unet, encoder: resnet81}]",
    "members: [{arch: unet, epochs: 0}]",
    "members: [{arch: unet, augment: {hflipp: 1}}]",
    "members: [{arch: unet, sweep: {name: [a]}}]",
    "members: [{arch: unet, sweep: {loss: []}}]",
    "data: {spilt: {}}\nmembers: [{arch: unet}]",
]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_reader_takes_is_valid(validator, tmp_path, text):
    (tmp_path / "zoo.yaml").write_text(text)
    read_zoo(tmp_path / "zoo.yaml")
    assert not list(validator.iter_errors(yaml.safe_load(text)))


@pytest.mark.parametrize("text", BAD)
def test_what_the_schema_refuses_the_reader_refuses(validator, tmp_path, text):
    (tmp_path / "zoo.yaml").write_text(text)
    with pytest.raises(ZooFileError):
        read_zoo(tmp_path / "zoo.yaml")
    assert list(validator.iter_errors(yaml.safe_load(text)))


def test_the_command_prints_it():
    result = CliRunner().invoke(main, ["train-zoo", "--schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == zoo_schema()
