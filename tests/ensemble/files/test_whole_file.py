import os
from pathlib import Path

import pytest

from ensemble.errors import DataError, OutputError
from ensemble.files.whole_file import whole_file


def test_a_file_appears_when_the_block_ends_well(tmp_path):
    path = tmp_path / "new" / "folder" / "f.txt"
    with whole_file(path) as part:
        part.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def write_half(path, error):
    with whole_file(path) as part:
        part.write_text("half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("bug"), DataError("stated")])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "f.txt"
    path.write_text("old")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_system_refuses_is_stated_with_the_path(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"below: cannot be written"),
        whole_file(tmp_path / "file" / "below") as part,
    ):
        part.write_text("x")


def test_a_full_disk_is_stated(tmp_path):
    with pytest.raises(OutputError, match="No space left"), whole_file(tmp_path / "f"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def watched(monkeypatch):
    """What is asked of the disk, in order."""
    asked = []
    sync, replace = os.fsync, Path.replace

    def note_sync(descriptor):
        asked.append(f"sync {Path(f'/dev/fd/{descriptor}').resolve().name}")
        sync(descriptor)

    def note_rename(path, target):
        asked.append(f"rename to {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    return asked


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    asked = watched(monkeypatch)
    with whole_file(tmp_path / "f.txt") as part:
        part.write_text("whole")
        name = part.name
    assert asked == [f"sync {name}", "rename to f.txt", f"sync {tmp_path.name}"]


def test_a_file_that_may_be_lost_does_not_wait(tmp_path, monkeypatch):
    asked = watched(monkeypatch)
    with whole_file(tmp_path / "f.txt", durable=False) as part:
        part.write_text("whole")
    assert asked == ["rename to f.txt"]


def test_a_disk_that_fails_while_it_is_waited_for_is_stated(tmp_path, monkeypatch):
    def fail(_descriptor):
        raise OSError(5, "Input/output error")

    (tmp_path / "f.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    with (
        pytest.raises(OutputError, match=r"f\.txt: cannot be written: Input/output error"),
        whole_file(tmp_path / "f.txt") as part,
    ):
        part.write_text("new")
    assert (tmp_path / "f.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "f.txt"]
