"""A disk that is full, for real: the system refuses files above a size, as it would any more."""

import json
import re
import resource
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from ensemble.classes import ClassList
from ensemble.cli.main import main
from ensemble.errors import OutputError
from ensemble.fusion.soft_maps import SoftMapCache, SoftMapKey
from ensemble.journal import Journal
from ensemble.members.file import read_member, write_member
from ensemble.outputs.rle_csv import write_predictions
from fakes import write_images, write_member_file

CLASSES = ClassList(("left", "right"))
NUM_IMAGES = 6
SETTINGS = {"members": ["a"]}


@contextmanager
def room_for(num_bytes):
    """No file grows beyond so many bytes: EFBIG, a partial write first; Python ignores SIGXFSZ."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with a member and images to be predicted, which is the current one."""
    write_member_file(tmp_path / "members" / "m.pt", CLASSES, (32, 32))
    write_images(tmp_path / "test", {f"{i}.png": (40 + i, 50) for i in range(NUM_IMAGES)})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predict(*args):
    return CliRunner().invoke(main, ["predict", "--device", "cpu", *args])


def test_a_prediction_stops_with_one_line_and_goes_on_when_there_is_room(workplace):
    assert predict("--out", "whole.csv").exit_code == 0
    whole = Path("whole.csv").read_bytes()

    with room_for(len(whole) // 2):
        stopped = predict()
    assert stopped.exit_code == 1
    assert isinstance(stopped.exception, SystemExit)
    error = stopped.stderr.splitlines()[-1]
    assert re.search(r"^Error: .*\.journal: cannot be written: File too large", error)
    num_safe = int(
        re.search(r"(\d+) finished items? (?:is|are) safe.*make room and run again", error)[1]
    )
    assert 0 < num_safe < NUM_IMAGES
    assert not Path("predictions.csv").exists()

    resumed = predict("--json")
    assert resumed.exit_code == 0
    assert json.loads(resumed.stdout)["num_resumed"] == num_safe
    assert Path("predictions.csv").read_bytes() == whole
    assert sorted(path.name for path in workplace.glob("*.csv*")) == [
        "predictions.csv",
        "whole.csv",
    ]


def test_a_journal_keeps_whole_lines_and_nothing_of_the_one_that_did_not_fit(tmp_path):
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        journal.append("a", {"n": 1})
        size = journal.path.stat().st_size
        with room_for(size + 20), pytest.raises(OutputError, match="1 finished item is safe"):
            journal.append("b", {"rle": ["1 2"] * 50})
        assert journal.path.stat().st_size == size
        assert journal.read("a")["n"] == 1
        assert "b" not in journal
        journal.append("b", {"n": 2})
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        assert [journal.read(key)["n"] for key in "ab"] == [1, 2]


def test_a_journal_that_cannot_even_begin_is_stated(tmp_path):
    journal = Journal(tmp_path / "out.csv", SETTINGS)
    with room_for(10), pytest.raises(OutputError, match="cannot be written: File too large"):
        journal.__enter__()
    assert journal.path.read_bytes() == b""


def test_predictions_that_do_not_fit_leave_the_old_file(tmp_path):
    path = tmp_path / "p.csv"
    write_predictions(path, [("a", "b", "1 2")])
    old = path.read_bytes()
    rows = (("image", "class", "1 2 " * 100) for _ in range(1000))
    with room_for(9999), pytest.raises(OutputError, match=r"p\.csv: cannot be written: File too"):
        write_predictions(path, rows)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_member_that_does_not_fit_is_stated_in_the_words_of_the_system(workplace):
    member = read_member(workplace / "members" / "m.pt")
    path = workplace / "members" / "new.pt"
    with room_for(9999), pytest.raises(OutputError, match="cannot be written: ") as caught:
        write_member(path, member.manifest, member.state_dict)
    assert str(caught.value) == f"{path}: cannot be written: File too large"
    assert sorted(path.name for path in path.parent.iterdir()) == ["m.pt"]


def test_a_soft_map_that_does_not_fit_is_stated_and_absent(tmp_path):
    cache, key = SoftMapCache(tmp_path / "cache"), SoftMapKey("m", "i", "identity")
    maps = np.random.default_rng(0).integers(0, 256, (3, 40, 50), np.uint8)
    with room_for(999), pytest.raises(OutputError, match=r"soft-map cache cannot be written: File"):
        cache.put(key, maps)
    assert cache.get(key) is None
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []
