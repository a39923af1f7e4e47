"""`labels.csv`: rows of image_name, class, rle, as prediction files have them.

Run-length strings are row-major and count pixels from 1; an empty one is an empty mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ensemble.bit_planes import Label, empty_planes
from ensemble.classes import ClassList
from ensemble.errors import DataError, EnsError, LabelError, RleError, few
from ensemble.labels.pairing import pair_names
from ensemble.labels.source import add_runs, finish_label, refuse_unknown
from ensemble.rle import parse_rle
from ensemble.samples import Sample

_COLUMNS = ["image_name", "class", "rle"]


@dataclass(frozen=True, slots=True)
class RleCsv:
    """Run-length strings by sample name and class name."""

    path: Path
    classes: ClassList
    strings: Mapping[str, Mapping[str, str]]

    def read(self, name: str, size: tuple[int, int]) -> Label:
        """The label of a sample; raises LabelError with file, image and class."""
        planes = empty_planes(len(self.classes), size)
        for class_name, text in self.strings[name].items():
            try:
                runs = parse_rle(text, size)
            except RleError as error:
                raise LabelError(
                    error.what,
                    where=f"{self.path}: {name}, class {class_name}",
                    expected=error.expected,
                    got=error.got,
                    remedy=error.remedy,
                ) from error
            add_runs(planes, self.classes.index(class_name), runs)
        try:
            return finish_label(planes, self.classes)
        except LabelError as error:
            raise error.at(f"{self.path}: {name}") from error


def open_rle_csv(path: Path, samples: Sequence[Sample], classes: ClassList | None) -> RleCsv:
    """Read a labels.csv and pair it with the samples, by relative path or base name.

    Without a class list the classes come in the order of their first row. An image needs a row, but
    not one for each class. Raises DataError for a malformed file, doubled rows and unpaired images,
    ClassListError for unknown classes.
    """
    rows = _read_rows(path)
    try:
        class_names = tuple(dict.fromkeys(rows["class"]))
        classes = classes or ClassList(names=class_names)
        refuse_unknown(class_names, classes)
        _refuse_doubles(rows)
    except EnsError as error:
        raise error.at(path) from error
    names = pair_names(path, samples, dict.fromkeys(rows["image_name"]))
    strings: dict[str, dict[str, str]] = {sample.name: {} for sample in samples}
    for image_name, class_name, text in rows.itertuples(index=False, name=None):
        strings[names[image_name]][class_name] = text
    return RleCsv(path, classes, strings)


def _read_rows(path: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise LabelError(f"cannot be read: {error.strerror}", where=path) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise LabelError(f"is no CSV file: {error}", where=path) from error
    if not isinstance(rows.index, pd.RangeIndex):
        raise LabelError("has rows with more fields than the header", where=path)
    if list(rows.columns) != _COLUMNS:
        raise LabelError(
            "has other columns",
            where=path,
            expected=",".join(_COLUMNS),
            got=",".join(str(column) for column in rows.columns),
        )
    return rows


def _refuse_doubles(rows: pd.DataFrame) -> None:
    doubled = rows[rows.duplicated(["image_name", "class"])]
    if len(doubled):
        pairs = (doubled["image_name"] + " " + doubled["class"]).tolist()
        raise DataError(
            f"{len(pairs)} rows repeat an image and class",
            got=few(pairs),
            expected="one row a pair",
        )
