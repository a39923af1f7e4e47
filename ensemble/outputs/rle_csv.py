"""`predictions.csv`: a row for every image and class, in order, masks as run-length strings."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from ensemble.files.whole_file import whole_file
from ensemble.runs.rle_table import COLUMNS

Row = tuple[str, str, str]


def write_predictions(path: Path, rows: Iterable[Row]) -> None:
    """Write rows (image name, class name, run-length string), whole or not at all.

    `open_rle_table` reads them.
    """
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)
