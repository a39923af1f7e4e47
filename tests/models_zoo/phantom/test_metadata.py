from __future__ import annotations

import io

from openpyxl import load_workbook

from models_zoo.phantom.metadata import person_rows, workbook_bytes
from models_zoo.phantom.plan import stream
from models_zoo.phantom.scene import planned_person


def rows_of(persons: int) -> list[list[object]]:
    people = [planned_person(number, 0) for number in range(persons)]
    return person_rows(people, stream(0, 3))


def test_the_sheet_has_the_headers_of_the_contest_and_a_row_a_person() -> None:
    sheet = load_workbook(io.BytesIO(workbook_bytes(rows_of(30)))).worksheets[0]
    header, *rows = sheet.iter_rows(values_only=True)
    assert header == ("ID", "나이", "성별", "체중(몸무게)", "키(신장)")
    assert [row[0] for row in rows] == [f"ID{number:03d}" for number in range(1, 31)]


def test_some_cells_are_dirty_and_most_are_clean() -> None:
    rows = rows_of(100)
    clean = [
        isinstance(age, int)
        and sex in ("남", "여")
        and isinstance(weight, float)
        and isinstance(height, float)
        for _, age, sex, weight, height in rows
    ]
    assert 80 <= sum(clean) < 100
    assert any("_x0008_" in str(row[2]) for row in rows_of(3))


def test_equal_rows_give_equal_bytes_without_a_date_of_today() -> None:
    assert workbook_bytes(rows_of(5)) == workbook_bytes(rows_of(5))
    properties = load_workbook(io.BytesIO(workbook_bytes(rows_of(5)))).properties
    assert properties.created.year == properties.modified.year == 2022
