"""Tables of run-length strings: image_name, class, rle, a row for each image and class.

`labels.csv` and `predictions.csv` are such tables. The strings stay in the file; held are the names
and where each row begins, so a table may be larger than memory. Several tables, whatever the order
of their rows, are joined image by image:

    tables = [open_rle_table(path) for path in paths]
    for image_name in tables[0].places:
        strings = [table.strings(image_name) for table in tables]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ensemble.errors import DataError, few
from ensemble.runs.rle import NO_MASK_WORDS
from ensemble.wording import counted

COLUMNS = ("image_name", "class", "rle")

_BYTE_ORDER_MARK = "\ufeff"
# A field in quotes (1) or without (2), and what ends it: a comma (3) or the end of the record.
_FIELD = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",]*))(,|\Z)')


class Place(NamedTuple):
    """Where a row begins: its line, counted from 1, and its offset in bytes."""

    line: int
    offset: int


class _Row(NamedTuple):
    image_name: str
    class_name: str
    rle: str


@dataclass(frozen=True, slots=True)
class RleTable:
    """`places[image_name][class_name]` of all rows, in the order of the file.

    `columns`: the positions of image name, class and run-length string in a row.
    """

    path: Path
    places: Mapping[str, Mapping[str, Place]]
    columns: tuple[int, int, int]

    @property
    def class_names(self) -> tuple[str, ...]:
        """All classes, in the order in which they come first."""
        first: dict[str, int] = {}
        for rows in self.places.values():
            for name, place in rows.items():
                first[name] = min(first.get(name, place.line), place.line)
        return tuple(sorted(first, key=first.__getitem__))

    def strings(self, image_name: str) -> dict[str, str]:
        """Run-length strings of an image by class name, read now, in the order of the file.

        Raises DataError if the file has changed since it was opened.
        """
        found: dict[str, str] = {}
        with _open(self.path) as stream:
            for class_name, place in self.places[image_name].items():
                stream.seek(place.offset)
                row = self._row(stream)
                if row is None or row[:2] != (image_name, class_name):
                    where = self.where(image_name, class_name)
                    raise DataError("has changed while it was in use", where=where)
                found[class_name] = row.rle
        return found

    def where(self, image_name: str, class_name: str) -> str:
        """The file and the line of a row, for messages."""
        return f"{self.path}: line {self.places[image_name][class_name].line}"

    def _row(self, stream: BinaryIO) -> _Row | None:
        try:
            return _to_row(_text(_next_lines(stream)), self.columns)
        except DataError:
            return None


def open_rle_table(path: Path) -> RleTable:
    """Check a table from end to end and note where its rows are.

    The file is CSV in UTF-8, with or without a byte order mark, lines ending in LF or CRLF, fields
    quoted where they must be. The header names the three columns in any order, and no others: a
    column that is not understood is not passed over. Blank lines count for nothing. Raises
    DataError that lists, by line, rows with fields too many or too few, quotes that do not close,
    words such as nan or -1 in place of a mask, and pairs of image and class that come again.
    """
    with _open(path) as stream:
        if not stream.seekable():
            raise DataError("is a pipe", where=path, expected="a file that can be read twice")
        records = _records(stream)
        columns = _columns(path, next(records, None))
        return RleTable(path, _index(path, records, columns), columns)


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=path) from error


def _index(
    path: Path, records: Iterator[tuple[Place, list[bytes]]], columns: tuple[int, int, int]
) -> dict[str, dict[str, Place]]:
    places: dict[str, dict[str, Place]] = {}
    faults: list[str] = []
    for place, lines in records:
        try:
            row = _to_row(_text(lines), columns)
            _add(places, row, place)
        except DataError as error:
            faults.append(f"line {place.line} {error}")
    if faults:
        raise DataError(f"has {counted(len(faults), 'unusable row')}", where=path, got=few(faults))
    return places


def _add(places: dict[str, dict[str, Place]], row: _Row, place: Place) -> None:
    rows = places.setdefault(row.image_name, {})
    if row.class_name in rows:
        pair = f"{row.image_name}, {row.class_name}"
        raise DataError(f"repeats {pair} of line {rows[row.class_name].line}")
    rows[sys.intern(row.class_name)] = place  # few names on many rows


def _records(stream: BinaryIO) -> Iterator[tuple[Place, list[bytes]]]:
    """Where each record of the stream begins, and its lines; blank lines left out."""
    line, offset = 1, 0
    while lines := _next_lines(stream):
        if lines[0].strip(b"\r\n"):
            yield Place(line, offset), lines
        line += len(lines)
        offset += sum(map(len, lines))


def _next_lines(stream: BinaryIO) -> list[bytes]:
    """The lines of the next record: one, or more where quotes hold a line end; none at the end."""
    lines: list[bytes] = []
    num_quotes = 0
    while line := stream.readline():
        lines.append(line)
        num_quotes += line.count(b'"')
        if num_quotes % 2 == 0:
            break
    return lines


def _text(lines: Sequence[bytes]) -> str:
    try:
        return b"".join(lines).decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise DataError("is no text in UTF-8") from error


def _columns(path: Path, header: tuple[Place, list[bytes]] | None) -> tuple[int, int, int]:
    try:
        text = "" if header is None else _text(header[1]).removeprefix(_BYTE_ORDER_MARK)
        names = _fields(text)
    except DataError as error:
        raise DataError(
            f"is no CSV file: line 1 {error}", where=path, remedy="save it as CSV in UTF-8"
        ) from error
    if sorted(names) != sorted(COLUMNS):
        raise DataError(
            "has other columns",
            where=path,
            expected=f"{','.join(COLUMNS)} in any order",
            got=few(names, 8) or "an empty file",
            remedy=_separator_remedy(text),
        )
    first, second, third = (names.index(column) for column in COLUMNS)
    return first, second, third


def _separator_remedy(header: str) -> str | None:
    """What to do about fields that something else separates, as some spreadsheets write them."""
    others = [mark for mark in (";", "\t") if mark in header]
    return "save it with commas between fields" if others else None


def _to_row(text: str, columns: tuple[int, int, int]) -> _Row:
    fields = _fields(text)
    if len(fields) != len(COLUMNS):
        raise DataError(f"has {len(fields)} fields instead of {len(COLUMNS)}")
    row = _Row(*(fields[column] for column in columns))
    if not (row.image_name and row.class_name):
        raise DataError("names no image or no class")
    if row.rle.strip().lower() in NO_MASK_WORDS:
        raise DataError(f"has {row.rle} for a mask, where an empty one is an empty field")
    return row


def _fields(record: str) -> list[str]:
    """The fields of a CSV record; DataError where its quotes are not those of CSV."""
    if '"' not in record:
        return record.split(",")
    fields: list[str] = []
    end, ended = 0, False
    while not ended:
        match = _FIELD.match(record, end)
        if match is None:
            raise DataError("has a quote that is not closed, or inside of a field")
        quoted, plain, comma = match.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        end, ended = match.end(), not comma
    return fields
