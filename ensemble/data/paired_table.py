"""A predictions file beside the labelled images that it predicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.data.datasets import LabelledFolder, Sample
from ensemble.data.labels.pairing import pair_names
from ensemble.errors import DataError, EnsError, few
from ensemble.runs.rle import RleFormat, Runs
from ensemble.runs.rle_table import RleTable, open_rle_table
from ensemble.wording import counted


@dataclass(frozen=True, slots=True)
class PairedTable:
    """A predictions file, and under which name it lists each sample of a labelled folder."""

    table: RleTable
    listed: Mapping[str, str]

    @classmethod
    def open(cls, path: Path, labelled: LabelledFolder) -> PairedTable:
        """Pair a file with a folder; it must hold every class of every image and no more.

        Images are named by their base name or by their path inside the image folder. Raises
        DataError that lists what is missing, unknown or doubled.
        """
        table = open_rle_table(path)
        names = pair_names(path, labelled.samples, table.places, what="prediction")
        _check_classes(table, names, labelled.classes.names)
        return cls(table, {sample: listed for listed, sample in names.items()})

    def runs(
        self, sample: Sample, class_names: Sequence[str], size: tuple[int, int], rle: RleFormat
    ) -> list[Runs]:
        """Runs of an image, one entry a class; raises RleError with line, image and class."""
        listed = self.listed[sample.name]
        strings = self.table.strings(listed)
        runs = []
        for name in class_names:
            try:
                runs.append(rle.parse(strings[name], size))
            except EnsError as error:
                line = self.table.where(listed, name)
                raise error.at(f"{line}: {sample.name}, {name}") from error
        return runs


def _check_classes(table: RleTable, names: Mapping[str, str], class_names: Sequence[str]) -> None:
    """Raise DataError unless every image has every class; `names`: samples by name in the table."""
    if unknown := sorted(set(table.class_names) - set(class_names)):
        raise DataError(
            counted(len(unknown), "class is", "classes are") + " not in the labels",
            where=table.path,
            got=few(unknown),
            expected=", ".join(class_names),
        )
    missing = [
        f"{name} in {names[listed]}"
        for listed, rows in table.places.items()
        for name in class_names
        if name not in rows
    ]
    if missing:
        raise DataError(
            counted(len(missing), "row is", "rows are") + " missing",
            where=table.path,
            got=f"no {few(missing)}",
            remedy="an empty mask needs a row with an empty field",
        )
