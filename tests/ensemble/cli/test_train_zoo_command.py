from click.testing import CliRunner

from ensemble.cli.main import main
from models_zoo.settings.zoo_file import read_zoo


def _invoke(*arguments):
    return CliRunner().invoke(main, ["train-zoo", *map(str, arguments)])


def test_a_missing_zoo_file_says_how_to_begin(tmp_path):
    result = _invoke(tmp_path / "zoo.yaml")

    assert result.exit_code == 1
    assert "no such zoo file" in result.stderr
    assert "ens train-zoo --example" in result.stderr


def test_the_example_is_a_zoo_file(tmp_path):
    result = _invoke("--example")

    assert result.exit_code == 0
    path = tmp_path / "zoo.yaml"
    path.write_text(result.stdout, encoding="utf-8")
    assert len(read_zoo(path).members) == 4


def test_faults_come_one_a_line(tmp_path):
    path = tmp_path / "zoo.yaml"
    path.write_text("members:\n  - {arch: unett}\n  - {arch: unet, size: 33}\n", encoding="utf-8")

    result = _invoke(path)

    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0].startswith("Error: zoo.yaml:2:6: members.0.arch: unknown architecture")
    assert lines[1].startswith("zoo.yaml:3:18: members.1.size: must be a multiple of 32")
