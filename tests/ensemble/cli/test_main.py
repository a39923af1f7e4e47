import subprocess
import sys

import pytest
from click.testing import CliRunner

from ensemble.cli.main import COMMANDS, main
from ensemble.errors import DataError, DeviceError, EnsError
from fakes import write_images


def run(*args):
    return CliRunner().invoke(main, list(args))


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_every_help_has_examples_and_says_what_options_mean(name):
    result = run(*([name] if name else []), "--help")
    assert result.exit_code == 0
    assert "ens " in result.output
    if name:
        assert "Example" in result.output


def test_the_commands_are_listed_in_the_order_of_a_working_day():
    listed = [
        line.split()[0] for line in run("--help").output.split("Commands:")[1].splitlines()[1:]
    ]
    assert listed == list(COMMANDS)


def test_unknown_commands_and_options_are_usage_errors():
    assert run("pedict").exit_code == 2
    assert run("predict", "--no-such").exit_code == 2
    assert run("predict", "--rle-base", "2").exit_code == 2


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["predict"], "no member file members"),
        (["predict", "--members", "none"], "no member file none"),
        (["predict", "--members", "*.nothing"], "no member file"),
        (["predict", "--tta", "flip"], "unknown view 'flip'"),
        (["predict", "--weights", "none.json"], "ens tune-weights"),
        (["inspect", "none.pt"], "no member file none.pt"),
        (
            ["make-phantom", "x", "--images", "4", "--size", "3"],
            "images must be at least 6, got 4; size must be 64 to 4096, got 3",
        ),
        (["predict", "--tta", "scale=0"], "a scale must be a number above 0: expected 0.1 to 8"),
    ],
)
def test_a_stated_failure_is_one_line_and_exit_code_1(tmp_path, monkeypatch, args, what):
    write_images(tmp_path / "test", {"a.png": (8, 8)})
    monkeypatch.chdir(tmp_path)
    result = run(*args)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert what in result.output
    assert result.output.count("\n") == 1


def test_help_of_make_phantom_says_the_limits():
    from models_zoo.phantom.plan import MAX_SIZE, MIN_IMAGES, MIN_SIZE

    text = " ".join(run("make-phantom", "--help").output.split())
    assert f"{MIN_IMAGES} or more" in text
    assert f"{MIN_SIZE} to {MAX_SIZE}" in text


def test_a_demo_that_is_interrupted_says_what_it_leaves(tmp_path, monkeypatch):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    folder = tmp_path / "d"
    monkeypatch.setattr("models_zoo.demo.make_phantom", interrupt)
    result = run("demo", str(folder))
    assert result.exit_code == 1
    lines = result.stderr.split("\n")
    assert lines[0] == f"stopped: remove {folder}, or name another folder, to start again"
    assert "Aborted!" in lines
    assert "Traceback" not in result.stderr
    monkeypatch.setattr("models_zoo.demo.make_phantom", lambda folder, **_: folder.mkdir())
    monkeypatch.setattr("models_zoo.demo.train_zoo", interrupt)
    assert run("demo", str(folder)).stderr.split("\n")[0] == (
        "stopped: the same command goes on where it stopped"
    )


def test_a_bug_keeps_its_traceback(tmp_path, monkeypatch):
    (tmp_path / "x.pt").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ensemble.members.file.read_member", lambda _: 1 / 0)
    assert isinstance(run("inspect", "x.pt").exception, ZeroDivisionError)


def test_an_absent_device_is_stated():
    from ensemble.members.roster import choose_device

    with pytest.raises(DeviceError, match=r"'cuda:77' cannot be used.*--device auto"):
        choose_device("cuda:77")
    with pytest.raises(DeviceError, match=r"'gpu' cannot be used"):
        choose_device("gpu")


def test_an_error_says_what_where_expected_got_and_remedy_on_one_line():
    error = DataError(
        "sizes\n differ", where="a.png", expected=(1, 2), got=(2, 1), remedy="crop it"
    )
    assert str(error) == "a.png: sizes differ: expected (1, 2), got (2, 1) (crop it)"
    assert (
        str(error.at("val/")) == "val/: a.png: sizes differ: expected (1, 2), got (2, 1) (crop it)"
    )
    assert isinstance(error.at("x"), DataError)
    assert isinstance(error, EnsError)


def test_the_installed_command_answers():
    done = subprocess.run(
        [sys.executable, "-c", "from ensemble.cli.main import main; main()", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "version" in done.stdout
