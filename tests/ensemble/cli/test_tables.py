import io
import sys

import click
import pytest

from ensemble.cli.tables import fit_widths, print_table

COLUMNS = ("member", "val Dice", "gain of tuned", "file")
ROWS = [
    ("unetplusplus-efficientnet-b5", "0.8123", "+0.0012 [-0.0003,+0.0120]", "손목.pt"),
    ("fpn", "0.7000", "-", "fpn.pt"),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def printed(monkeypatch):
    """What a terminal so many columns wide shows, or a file (None)."""

    def show(width):
        out = io.StringIO() if width is None else Terminal()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setenv("COLUMNS", str(width or 80))
        print_table(COLUMNS, ROWS)
        return click.unstyle(out.getvalue())

    return show


def words(text):
    return set(text.replace("─", " ").split())


@pytest.mark.parametrize("width", [None, 20, 60, 80, 200])
def test_no_word_is_cut(printed, width):
    assert words(printed(width)) == words(" ".join(" ".join(row) for row in (COLUMNS, *ROWS)))


def test_a_table_that_can_be_broken_between_words_fits_the_terminal(printed):
    lines = printed(70).splitlines()
    assert max(map(len, lines)) <= 70
    (first,) = [line for line in lines if "unetplusplus" in line]
    assert "+0.0012" in first
    assert "[-0.0003" not in first


def test_in_a_file_every_row_is_one_line(printed):
    assert len(printed(None).splitlines()) == 1 + len(ROWS)


def test_the_widest_column_gives_first():
    assert fit_widths([10, 30, 20], [5, 5, 5], 60) == [10, 30, 20]
    assert fit_widths([10, 30, 20], [5, 5, 5], 50) == [10, 20, 20]
    assert fit_widths([10, 30, 20], [5, 25, 5], 45) == [10, 25, 10]
    assert fit_widths([10, 30], [10, 25], 3) == [10, 25]
