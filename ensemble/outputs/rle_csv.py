"""`predictions.csv`: a row for every image and class, in order, masks as run-length strings."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ensemble.errors import DataError
from ensemble.whole_file import whole_file

COLUMNS = ("image_name", "class", "rle")

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Predictions:
    """The rows of a predictions file: `rle[image_name][class_name]`, in the order of the file."""

    path: Path
    rle: dict[str, dict[str, str]]


def write_predictions(path: Path, rows: Iterable[Row]) -> None:
    """Write rows (image name, class name, run-length string), whole or not at all."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def read_predictions(path: Path) -> Predictions:
    """Read a predictions file; raises DataError for other columns or a pair that comes twice."""
    table = _read_table(path)
    doubled = table[table.duplicated(list(COLUMNS[:2]))]
    if len(doubled):
        first = doubled.iloc[0]
        raise DataError(
            f"{len(doubled)} rows repeat an image and class",
            where=path,
            got=f"{first['image_name']}, {first['class']}",
        )
    rle: dict[str, dict[str, str]] = {}
    for image, name, text in table.itertuples(index=False, name=None):
        rle.setdefault(image, {})[name] = text
    return Predictions(path, rle)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        # no text means missing: a class may be called NA, and an empty mask is an empty field
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(f"cannot be read as CSV: {error}", where=path) from error
    if lacking := [column for column in COLUMNS if column not in table.columns]:
        raise DataError(
            f"lacks the columns {', '.join(lacking)}",
            where=path,
            expected=",".join(COLUMNS),
            got=",".join(map(str, table.columns)),
        )
    return table[list(COLUMNS)]
