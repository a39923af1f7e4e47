"""The table of persons beside a data set: age, sex, weight, height and what else it states.

    ID, age, sex, weight, height        or the Korean ID, 나이, 성별, 체중(몸무게), 키(신장)

Real tables are dirty. Cells are cleaned where that leaves one meaning (blanks, control characters,
units); every cell that was changed, or of which nothing was left, is listed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ensemble.data.person_table import Row, read_table
from ensemble.data.samples import Sample
from ensemble.errors import DataError, few

TABLE_FILES = ("metadata.csv", "metadata.xlsx", "meta_data.csv", "meta_data.xlsx")

_ID = "ID"
_SEX = "sex"
_KNOWN_HEADERS = {
    **dict.fromkeys(("id", "번호", "환자id"), _ID),
    **dict.fromkeys(("age", "나이", "연령"), "age"),
    **dict.fromkeys((_SEX, "gender", "성별"), _SEX),
    **dict.fromkeys(("weight", "체중", "몸무게"), "weight"),
    **dict.fromkeys(("height", "키", "신장"), "height"),
}
_SEXES = {
    **dict.fromkeys(("female", "f", "여", "여자", "여성"), "female"),
    **dict.fromkeys(("male", "m", "남", "남자", "남성"), "male"),
}
# Units of the known numbers, and what no person has.
UNITS = {"age": "years", "weight": "kg", "height": "cm"}
_OWN_UNIT = re.compile(r"[ _](years?|yrs?|kgs?|cms?)$")
_OTHER_UNIT = re.compile(
    r"[(\[ _](days?|weeks?|months?|g|lbs?|pounds?|m|mm|in|inch|inches|ft|feet)[)\]]?$"
)
_PLAUSIBLE = {"age": (0.0, 120.0), "weight": (1.0, 350.0), "height": (30.0, 250.0)}

_ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")  # a control character, as spreadsheets write it
_PLAIN_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_NUMBER = re.compile(r"([-+]?\d+(?:[.,]\d+)?)\s*(years?|yrs?|세|살|kgs?|cms?)?", re.IGNORECASE)
_MOST_CATEGORIES = 20
_NUMERIC_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class MendedCell:
    """A cell that was cleaned: what it says, and what was read; None where nothing could be."""

    person: str
    column: str
    written: str
    read: str | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """Persons by `ids` (P,), as the table orders them.

    `numbers` (P,) by column, NaN where unknown; `categories` (P,) by column, None where unknown.
    `left_out`: columns that are neither, such as free text.
    """

    path: Path
    ids: tuple[str, ...]
    numbers: Mapping[str, NDArray[np.float64]]
    categories: Mapping[str, tuple[str | None, ...]]
    mended: tuple[MendedCell, ...]
    left_out: tuple[str, ...]

    def rows_of(self, samples: Sequence[Sample]) -> NDArray[np.int64]:
        """The row (N,) of each sample's person, -1 where the table has none.

        An ID is the sample's group, else a folder that it lies in, else its path or stem.
        """
        rows = {_key(name): row for row, name in enumerate(self.ids)}
        found = [
            next((rows[key] for key in _keys_of(sample) if key in rows), -1) for sample in samples
        ]
        return np.array(found, np.int64)


@dataclass(frozen=True, slots=True)
class MetadataOf:
    """The table of persons of a data folder, or None; `unused` says why one there is not used."""

    table: Metadata | None = None
    unused: str | None = None


def metadata_of(folder: Path, named: Path | None = None) -> MetadataOf:
    """The table `named`, else the one that `find_metadata` finds for a data folder.

    One that was found and cannot be read as a table of persons may be of something else, and is not
    used. Raises DataError for a named one, and as `find_metadata` does.
    """
    if named is not None:
        return MetadataOf(read_metadata(named))
    path = find_metadata(folder)
    if path is None:
        return MetadataOf()
    try:
        return MetadataOf(read_metadata(path))
    except DataError as error:
        return MetadataOf(
            unused=f"{path.name} {error.what} and is not used; it lies in {path.parent}"
        )


def find_metadata(folder: Path) -> Path | None:
    """The table of persons inside a data folder or up to two levels above, or None.

    Raises DataError where one folder holds several.
    """
    here = folder.resolve()
    for place in (here, *list(here.parents)[:2]):
        found = [name for name in TABLE_FILES if (place / name).is_file()]
        if len(found) > 1:
            raise DataError(
                "the folder holds more than one table of persons",
                where=place,
                got=" and ".join(found),
                remedy="move all but one elsewhere, or name one with --metadata",
            )
        if found:
            return place / found[0]
    return None


def read_metadata(path: Path) -> Metadata:
    """Read a CSV or xlsx table with a column ID; raises DataError, with the path, for others."""
    try:
        header, rows = read_table(path)
        return _clean_table(path, header, rows)
    except DataError as error:
        raise error.at(path) from error


def _clean_table(path: Path, header: Row, rows: Sequence[Row]) -> Metadata:
    names = [_canonical(title) for title in header]
    _refuse_doubled("column", [name for name in names if name])
    if _ID not in names:
        raise DataError("has no column ID", got=few([title.strip() for title in header]))
    rows = [row for row in rows if _plain(row[names.index(_ID)])]
    ids = [_plain(row[names.index(_ID)]) for row in rows]
    _refuse_doubled("ID", [_key(name) for name in ids])
    columns = {
        name: [row[at] for row in rows]
        for at, name in enumerate(names)
        if name not in ("", _ID) and any(_plain(row[at]) for row in rows)
    }
    numbers = {
        name: [_number(name, cell) for cell in cells]
        for name, cells in columns.items()
        if _is_numeric(name, cells)
    }
    categories = {
        name: [_word(name, cell) for cell in cells]
        for name, cells in columns.items()
        if name not in numbers and _is_categorical(name, cells)
    }
    read: dict[str, Sequence[float | str | None]] = {**numbers, **categories}
    return Metadata(
        path,
        tuple(ids),
        {name: np.array(values, np.float64) for name, values in numbers.items()},  # None: NaN
        {name: tuple(words) for name, words in categories.items()},
        tuple(cell for name in read for cell in _mended(name, ids, columns[name], read[name])),
        tuple(name for name in columns if name not in read),
    )


def _canonical(title: str) -> str:
    """The known name of a header, whatever its case and what it adds in brackets, else itself.

    One that names a unit which is not ours stays a column of its own.
    """
    plain = _plain(title)
    if _OTHER_UNIT.search(plain.lower()):
        return plain
    bare = re.split(r"[(\[]", plain.lower())[0].strip()
    return _KNOWN_HEADERS.get(_OWN_UNIT.sub("", bare), plain)


def _refuse_doubled(what: str, names: Sequence[str]) -> None:
    if doubled := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"holds the same {what} twice", got=few(doubled))


def _plain(cell: str) -> str:
    """A cell without control characters and border blanks, letters composed."""
    text = unicodedata.normalize("NFC", _ESCAPED.sub("", cell))
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _keys_of(sample: Sample) -> Iterator[str]:
    path = PurePosixPath(sample.name)
    folders = reversed(path.parent.parts)
    for name in (sample.group, *folders, sample.name, path.name, path.stem):
        yield _key(name)


def _is_numeric(name: str, cells: Sequence[str]) -> bool:
    filled = [_plain(cell) for cell in cells if _plain(cell)]
    numeric = sum(_NUMBER.fullmatch(text) is not None for text in filled)
    return name in UNITS or (name != _SEX and numeric >= _NUMERIC_SHARE * len(filled))


def _is_categorical(name: str, cells: Sequence[str]) -> bool:
    words = {_plain(cell) for cell in cells} - {""}
    return name == _SEX or len(words) <= min(_MOST_CATEGORIES, max(len(cells) // 2, 2))


def _number(name: str, cell: str) -> float | None:
    """The number of a cell; None where there is none, or none that a person can have."""
    match = _NUMBER.fullmatch(_plain(cell))
    if not match:
        return None
    value = float(match[1].replace(",", "."))
    low, high = _PLAUSIBLE.get(name, (-np.inf, np.inf))
    return value if low <= value <= high else None


def _word(name: str, cell: str) -> str | None:
    plain = _plain(cell)
    return _SEXES.get(plain.lower()) if name == _SEX else plain or None


def _mended(
    column: str, ids: Sequence[str], cells: Sequence[str], read: Sequence[float | str | None]
) -> list[MendedCell]:
    """Cells that say something else than was read; empty ones say nothing."""
    return [
        MendedCell(person, column, cell, f"{value:g}" if isinstance(value, float) else value)
        for person, cell, value in zip(ids, cells, read, strict=True)
        if cell and not _says(column, cell, value)
    ]


def _says(column: str, cell: str, value: float | str | None) -> bool:
    """Whether a cell is clean as it stands."""
    if isinstance(value, float):
        return _PLAIN_NUMBER.fullmatch(cell) is not None
    return value is not None and (cell == value or (column == _SEX and cell.lower() in _SEXES))
