"""A table of people as it stands in a file: rows of cells, from CSV or a workbook."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from ensemble.errors import DataError

Row = Sequence[str]

_ENCODINGS = ("utf-8-sig", "cp949")  # the second is what a Korean Excel writes


def read_table(path: Path) -> tuple[Row, list[Row]]:
    """The header and the rows that are not blank, every row as long as the header."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}") from error
    lines = _workbook_lines(data) if path.suffix.lower() == ".xlsx" else _csv_lines(data)
    filled = [line for line in lines if any(cell.strip() for cell in line)]
    if len(filled) < 2:
        raise DataError("holds no rows", expected="a header and a row a person")
    header, *rows = filled
    width = len(header)
    return header, [[*row[:width], *[""] * (width - len(row))] for row in rows]


def _workbook_lines(data: bytes) -> list[Row]:
    """The first sheet of a workbook as text."""
    try:
        sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
        return [
            ["" if cell is None else str(cell) for cell in row]
            for row in sheet.iter_rows(values_only=True)
        ]
    except (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError) as error:
        raise DataError(f"is no xlsx workbook: {error}") from error
    except IndexError as error:
        raise DataError("is a workbook without a sheet") from error


def _csv_lines(data: bytes) -> list[Row]:
    text = _decoded(data)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise DataError(f"is no CSV file: {error}") from error


def _decoded(data: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DataError("is no text", expected=" or ".join(_ENCODINGS))
