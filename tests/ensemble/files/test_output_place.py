from __future__ import annotations

import pytest

from ensemble.errors import ConfigError, OutputError
from ensemble.files.output_place import refuse_full, refuse_overwriting


def test_what_is_read_is_not_written(tmp_path):
    (tmp_path / "a.csv").touch()
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    for out in (tmp_path / "a.csv", tmp_path / "link.csv", tmp_path / "x" / ".." / "a.csv"):
        with pytest.raises(ConfigError, match=r"would overwrite.*--out"):
            refuse_overwriting(out, [tmp_path / "b.csv", tmp_path / "a.csv"])
    refuse_overwriting(tmp_path / "c.csv", [tmp_path / "a.csv"])


def test_in_a_folder_that_is_read_only_new_files_are_written(tmp_path):
    (tmp_path / "data" / "images").mkdir(parents=True)
    (tmp_path / "data" / "labels.csv").touch()
    with pytest.raises(ConfigError, match="would overwrite"):
        refuse_overwriting(tmp_path / "data" / "labels.csv", [tmp_path / "data"])
    refuse_overwriting(tmp_path / "data" / "scores.csv", [tmp_path / "data"])


def test_a_full_folder_is_named_with_what_it_holds(tmp_path):
    refuse_full(tmp_path)
    refuse_full(tmp_path / "new")
    for name in "abcd":
        (tmp_path / name).touch()
    with pytest.raises(OutputError, match=r"is not empty.*new or empty.*a, b, c, \.\.\."):
        refuse_full(tmp_path)
    with pytest.raises(OutputError, match="cannot be used: Not a directory"):
        refuse_full(tmp_path / "a")
