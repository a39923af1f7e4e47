import csv

import numpy as np
import pytest

from ensemble.errors import OutputError
from ensemble.report.tables import Table, show, write_table

TABLE = Table(
    "classes",
    ("class", "px", "Dice"),
    (('a, "b"', 75210, 0.82154), ("나", 3, float("nan"))),
    formats={"Dice": ".4f"},
)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [(75210, "75,210"), (1234.5, "1,234"), (0.12345, "0.123"), (np.nan, ""), ("x", "x"), (0, "0")],
)
def test_numbers_are_shown_as_people_read_them(cell, shown):
    assert show(cell) == shown


def test_columns_have_formats_and_kinds():
    assert TABLE.shown_rows() == [['a, "b"', "75,210", "0.8215"], ["나", "3", ""]]
    assert TABLE.is_numeric() == [False, True, True]
    assert Table("x", ("a",), ()).is_numeric() == [False]


def test_a_file_gives_back_the_rows(tmp_path):
    path = write_table(tmp_path / "new", TABLE)
    assert path.name == "classes.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [["class", "px", "Dice"], ['a, "b"', "75210", "0.82154"], ["나", "3", ""]]


def test_a_folder_that_is_a_file_is_stated(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_table(tmp_path / "file", TABLE)


def test_columns_of_which_nothing_is_known_are_not_shown():
    nan = float("nan")
    table = Table("t", ("a", "b", "c"), (("x", nan, nan), ("y", nan, 2.0)))
    assert table.known().header == ("a", "c")
    assert table.known().rows[1] == ("y", 2.0)
    assert Table("t", ("a",), ()).known().header == ("a",)
