"""The sheet of persons: the contest's columns, and the dirt that real sheets carry."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence

import numpy as np
from openpyxl import Workbook

from models_zoo.phantom.person import Person
from models_zoo.phantom.plan import person_id

COLUMNS = ("ID", "나이", "성별", "체중(몸무게)", "키(신장)")
SEX_WORDS = {"female": "여", "male": "남"}
# A workbook and its zip container both carry dates; a reproducible one carries this.
FIXED_DATE = (2022, 8, 22, 0, 0, 0)

Cell = str | int | float | None

# Dirt by column: a control character as spreadsheets escape it, a unit, a blank, text, nothing.
SOILS: tuple[tuple[int, Callable[[Cell], Cell]], ...] = (
    (2, lambda sex: f"_x0008_{sex}"),
    (4, lambda height_cm: f"{height_cm}cm"),
    (2, lambda sex: f"{sex} "),
    (1, lambda age: str(age)),
    (3, lambda _: None),
)
ALWAYS_SOILED = 2


def person_rows(persons: Sequence[Person], generator: np.random.Generator) -> list[list[Cell]]:
    """One row a person in the order of COLUMNS.

    Each kind of dirt soils one row in forty; the first two soil at least one.
    """
    rows: list[list[Cell]] = [
        [person_id(number), p.age_years, SEX_WORDS[p.sex], p.weight_kg, p.height_cm]
        for number, p in enumerate(persons)
    ]
    for kind, (column, soil) in enumerate(SOILS):
        wanted = max(int(kind < ALWAYS_SOILED), round(len(rows) / 40))
        for at in generator.permutation(len(rows))[:wanted]:
            rows[at][column] = soil(rows[at][column])
    return rows


def workbook_bytes(rows: Sequence[Sequence[Cell]]) -> bytes:
    """An xlsx file with the header and `rows`; equal rows give equal bytes."""
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(COLUMNS)
    for row in rows:
        sheet.append(row)
    saved = io.BytesIO()
    workbook.save(saved)
    return _with_fixed_dates(saved.getvalue())


def _with_fixed_dates(archive: bytes) -> bytes:
    """The same xlsx archive with FIXED_DATE on its entries and in its document properties."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(out, "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]{8}Z", _iso_date(), content)
            entry = zipfile.ZipInfo(name, FIXED_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return out.getvalue()


def _iso_date() -> bytes:
    return "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}Z".format(*FIXED_DATE).encode()
