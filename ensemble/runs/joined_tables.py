"""Prediction files side by side: joined by image and class, read one image at a time.

Held are the names and places of all rows, and the strings of one image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ensemble.errors import ConfigError, DataError, EnsError, few
from ensemble.runs.rle import Base, Runs, check_runs, empty_runs, parse_pairs
from ensemble.runs.rle_table import RleTable, open_rle_table
from ensemble.wording import counted

Missing = Literal["refuse", "empty"]


@dataclass(frozen=True, slots=True)
class JoinedTables:
    """Tables, and of each image all classes that one of them has: those of the first come first.

    `missing`: rows that others have, as "a.csv has no 1.png, Radius"; they count as empty masks.
    """

    tables: tuple[RleTable, ...]
    classes_of: Mapping[str, Sequence[str]]
    base: Base
    missing: tuple[str, ...]

    @property
    def num_rows(self) -> int:
        """Pairs of image and class."""
        return sum(map(len, self.classes_of.values()))

    def masks(
        self, image_name: str, size: tuple[int, int] | None = None
    ) -> Iterator[tuple[str, list[Runs]]]:
        """Each class of an image with its mask in each table, which must lie within `size`.

        Raises RleError with file, line, image and class for a malformed string.
        """
        strings = [
            table.strings(image_name) if image_name in table.places else {} for table in self.tables
        ]
        for class_name in self.classes_of[image_name]:
            yield (
                class_name,
                [
                    self._runs(table, found.get(class_name, ""), (image_name, class_name), size)
                    for table, found in zip(self.tables, strings, strict=True)
                ],
            )

    def _runs(
        self, table: RleTable, text: str, key: tuple[str, str], size: tuple[int, int] | None
    ) -> Runs:
        if not text:
            return empty_runs()
        try:
            runs = parse_pairs(text, base=self.base)
            if size is not None:
                check_runs(runs, size)
        except EnsError as error:
            raise error.at(f"{table.where(*key)}: {', '.join(key)}") from error
        return runs


def join_tables(
    paths: Sequence[Path],
    *,
    base: Base = 1,
    missing: Missing = "refuse",
    if_twice: str = "name each file once",
) -> JoinedTables:
    """Open prediction files and join them by image name and class, to the letter.

    `if_twice`: what to do about a file that is given twice, for which a ConfigError is raised.
    DataError is raised for a file without rows, and one that lists rows that are missing in a file,
    unless they count as empty.
    """
    _refuse_doubled(paths, if_twice)
    tables = tuple(_open_table(path) for path in paths)
    classes_of = _join(tables)
    lacking = tuple(_missing_rows(tables, classes_of))
    if lacking and missing == "refuse":
        raise DataError(
            counted(
                len(lacking), "row of another file is missing", "rows of other files are missing"
            ),
            got=few(lacking),
            remedy="to count them as empty masks, use --missing empty",
        )
    return JoinedTables(tables, classes_of, base, lacking)


def _refuse_doubled(paths: Sequence[Path], remedy: str) -> None:
    times = Counter(path.resolve() for path in paths)
    if doubled := [str(path) for path, count in times.items() if count > 1]:
        raise ConfigError("a file is given twice", got=few(doubled), remedy=remedy)


def _open_table(path: Path) -> RleTable:
    table = open_rle_table(path)
    if not table.places:
        raise DataError("holds no rows", where=path)
    return table


def _join(tables: Sequence[RleTable]) -> dict[str, list[str]]:
    joined: dict[str, dict[str, None]] = {}
    for table in tables:
        for image_name, rows in table.places.items():
            joined.setdefault(image_name, {}).update(dict.fromkeys(rows))
    return {image_name: list(rows) for image_name, rows in joined.items()}


def _missing_rows(
    tables: Sequence[RleTable], classes_of: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for table in tables:
        for image_name, class_names in classes_of.items():
            rows = table.places.get(image_name, {})
            for class_name in class_names:
                if class_name not in rows:
                    yield f"{table.path} has no {image_name}, {class_name}"
