"""Tables of a page: shown as HTML, and written as CSV beside it."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ensemble.files.whole_file import whole_file

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header; `name` is that of its file, without suffix. NaN is an empty cell.

    `formats`: how the numbers of a column are shown to people, as {"Dice": ".4f"}; files hold six
    digits.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    formats: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """The CSV file beside the page."""
        return f"{self.name}.csv"

    def shown_rows(self) -> list[list[str]]:
        """The rows as people read them."""
        formats = [self.formats.get(title) for title in self.header]
        return [
            [show(cell, how) for cell, how in zip(row, formats, strict=True)] for row in self.rows
        ]

    def known(self) -> Table:
        """The same without columns of which no cell is known."""
        kept = [
            i
            for i in range(len(self.header))
            if not self.rows or not all(_is_nan(row[i]) for row in self.rows)
        ]
        return replace(
            self,
            header=tuple(self.header[i] for i in kept),
            rows=tuple(tuple(row[i] for i in kept) for row in self.rows),
        )

    def is_numeric(self) -> list[bool]:
        """For each column whether it holds numbers only."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.header)
        return [bool(cells) and not any(isinstance(c, str) for c in cells) for cells in columns]


def show(cell: Cell, how: str | None = None) -> str:
    """A cell for people: thousands apart, three digits of what is small."""
    if isinstance(cell, str):
        return cell
    if math.isnan(cell):
        return ""
    if how is not None:
        return format(cell, how)
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{cell:,.0f}"
    return f"{cell:.3g}"


def write_table(folder: Path, table: Table) -> Path:
    """Write a table as CSV, whole or not at all; its path."""
    path = folder / table.file_name
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(table.header)
        rows.writerows([_field(cell) for cell in row] for row in table.rows)
    return path


def _is_nan(cell: Cell) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def _field(cell: Cell) -> str:
    if isinstance(cell, float):
        return "" if math.isnan(cell) else f"{cell:.6g}"
    return str(cell)
