import fcntl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.errors import OutputError
from ensemble.journal import Journal

SETTINGS = {"members": ["a"], "threshold": 0.5}


def filled(target, count=5):
    with Journal(target, SETTINGS) as journal:
        for number in range(count):
            journal.append(f"image {number}", {"rle": [f"{number} 1", "ü 한"]})
    return journal


def test_what_was_appended_is_there_after_a_restart(tmp_path):
    filled(tmp_path / "out.csv")
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        assert len(journal) == 5
        assert "image 3" in journal
        assert "image 5" not in journal
        assert journal.read("image 3")["rle"] == ["3 1", "ü 한"]


def test_reading_and_appending_may_alternate(tmp_path):
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        for number in range(3):
            journal.append(str(number), {"n": number})
            assert [journal.read(str(n))["n"] for n in range(number + 1)] == list(range(number + 1))


def test_a_key_appended_again_replaces_its_record(tmp_path):
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        journal.append("a", {"n": 1})
        journal.append("a", {"n": 2})
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        assert journal.read("a")["n"] == 2


@given(st.integers(0, 10_000), st.binary(max_size=30))
def test_a_torn_or_damaged_tail_is_cut_off_and_the_rest_kept(tmp_path_factory, cut, junk):
    target = tmp_path_factory.mktemp("journal") / "out.csv"
    path = filled(target).path
    whole = path.read_bytes()
    cut %= len(whole)
    path.write_bytes(whole[:cut] + junk)
    with Journal(target, SETTINGS) as journal:
        lines_kept = max(whole[:cut].count(b"\n") - 1, 0)
        assert len(journal) in (lines_kept, lines_kept + 1)
        journal.append("after", {"rle": []})
    with Journal(target, SETTINGS) as journal:
        assert "after" in journal


def test_other_settings_have_another_journal(tmp_path):
    filled(tmp_path / "out.csv")
    with Journal(tmp_path / "out.csv", SETTINGS | {"threshold": 0.4}) as journal:
        assert len(journal) == 0
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        assert len(journal) == 5


def test_two_runs_do_not_write_one_journal(tmp_path):
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        journal.append("a", {"n": 1})
        other = Journal(tmp_path / "out.csv", SETTINGS)
        with pytest.raises(OutputError, match="another run"), other:
            pass
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        assert "a" in journal


def test_a_place_that_is_no_folder_is_stated(tmp_path):
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "out.csv", SETTINGS)
    with pytest.raises(OutputError, match="cannot be written"), journal:
        pass


def test_a_second_run_that_sees_no_file_yet_cuts_nothing_of_the_first(tmp_path, monkeypatch):
    with Journal(tmp_path / "out.csv", SETTINGS) as journal:
        journal.append("a", {"rle": []})
        monkeypatch.setattr("pathlib.Path.exists", lambda _: False)
        second = Journal(tmp_path / "out.csv", SETTINGS)
        with pytest.raises(OutputError, match="another run"):
            second.__enter__()
        assert journal.read("a")["rle"] == []


def test_a_journal_that_vanishes_before_it_is_locked_is_made_anew(tmp_path, monkeypatch):
    """As where the run that held it ends, and removes it, between the opening and the lock."""
    target = tmp_path / "out.csv"
    path = filled(target).path
    lock = fcntl.flock

    def remove_first(stream, flags):
        monkeypatch.setattr(fcntl, "flock", lock)
        path.unlink()
        lock(stream, flags)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    with Journal(target, SETTINGS) as journal:
        assert len(journal) == 0
        journal.append("a", {"n": 1})
    with Journal(target, SETTINGS) as journal:
        assert "a" in journal
