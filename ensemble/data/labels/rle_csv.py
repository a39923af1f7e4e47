"""`labels.csv`: rows of image_name, class, rle, as prediction files have them.

Run-length strings are row-major and count pixels from 1; an empty one is an empty mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.bit_planes import Label, empty_planes
from ensemble.classes import ClassList
from ensemble.data.labels.pairing import pair_names
from ensemble.data.labels.source import add_runs, finish_label, refuse_unknown
from ensemble.data.samples import Sample
from ensemble.errors import EnsError, LabelError, RleError
from ensemble.runs.rle import parse_rle
from ensemble.runs.rle_table import RleTable, open_rle_table


@dataclass(frozen=True, slots=True)
class RleCsv:
    """A table of run-length strings, and under which name it lists each sample."""

    table: RleTable
    classes: ClassList
    listed: Mapping[str, str]

    def read(self, name: str, size: tuple[int, int]) -> Label:
        """The label of a sample; raises LabelError with file, line, image and class."""
        planes = empty_planes(len(self.classes), size)
        for class_name, text in self.table.strings(self.listed[name]).items():
            try:
                runs = parse_rle(text, size)
            except RleError as error:
                line = self.table.where(self.listed[name], class_name)
                raise LabelError(
                    error.what,
                    where=f"{line}: {name}, class {class_name}",
                    expected=error.expected,
                    got=error.got,
                    remedy=error.remedy,
                ) from error
            add_runs(planes, self.classes.index(class_name), runs)
        try:
            return finish_label(planes, self.classes)
        except LabelError as error:
            raise error.at(f"{self.table.path}: {name}") from error


def open_rle_csv(path: Path, samples: Sequence[Sample], classes: ClassList | None) -> RleCsv:
    """Open a labels.csv and pair it with the samples, by relative path or base name.

    Without a class list the classes come in the order of their first row. An image needs a row, but
    not one for each class. Raises DataError for a malformed file and unpaired images,
    ClassListError for unknown classes.
    """
    table = open_rle_table(path)
    try:
        class_names = table.class_names
        classes = classes or ClassList(names=class_names)
        refuse_unknown(class_names, classes)
    except EnsError as error:
        raise error.at(path) from error
    names = pair_names(path, samples, table.places)
    return RleCsv(table, classes, {name: listed for listed, name in names.items()})
