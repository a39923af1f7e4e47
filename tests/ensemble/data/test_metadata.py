import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.data.metadata import find_metadata, metadata_of, read_metadata
from ensemble.data.samples import Sample
from ensemble.errors import DataError
from models_zoo.phantom.metadata import COLUMNS, person_rows, workbook_bytes
from models_zoo.phantom.plan import stream
from models_zoo.phantom.scene import planned_person

KOREAN = ",".join(COLUMNS)


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def sample(name, group):
    return Sample(name, Path(name), group)


def test_a_workbook_of_the_phantom_gives_back_its_persons(tmp_path):
    persons = [planned_person(number, 0) for number in range(40)]
    rows = person_rows(persons, stream(0, 3))
    (tmp_path / "meta_data.xlsx").write_bytes(workbook_bytes(rows))
    table = read_metadata(tmp_path / "meta_data.xlsx")
    assert table.ids == tuple(f"ID{number:03d}" for number in range(1, 41))
    assert table.categories["sex"] == tuple(person.sex for person in persons)
    np.testing.assert_allclose(table.numbers["age"], [p.age_years for p in persons])
    np.testing.assert_allclose(table.numbers["height"], [p.height_cm for p in persons])
    weights = [np.nan if row[3] is None else row[3] for row in rows]
    np.testing.assert_allclose(table.numbers["weight"], weights)
    assert np.isnan(weights).sum() == 1
    soiled = {(cell.column, cell.written) for cell in table.mended}
    assert any("_x0008_" in written for _, written in soiled)
    assert all(cell.read is not None for cell in table.mended)
    assert {column for column, _ in soiled} == {"sex", "height"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_headers_may_be_korean_in_any_common_encoding(tmp_path, encoding, delimiter):
    text = f"{KOREAN}\nID001,23,여,51.5,160\nID002,31,남,70,180\n".replace(",", delimiter)
    table = read_metadata(write(tmp_path / "metadata.csv", text, encoding))
    assert table.categories == {"sex": ("female", "male")}
    assert {name: values.tolist() for name, values in table.numbers.items()} == {
        "age": [23, 31],
        "weight": [51.5, 70],
        "height": [160, 180],
    }
    assert table.mended == ()


def test_cells_that_were_cleaned_or_lost_are_listed(tmp_path):
    text = (
        "id,AGE,Gender,Weight (kg),height_cm\n"
        'a, 23 ,F ,"51,5",160cm\nb,203,?,light,\nc,31,male,70kg,1.72\n,,,\n'
    )
    table = read_metadata(write(tmp_path / "metadata.csv", text))
    assert {(c.person, c.column): (c.written, c.read) for c in table.mended} == {
        ("a", "age"): (" 23 ", "23"),
        ("a", "sex"): ("F ", "female"),
        ("a", "weight"): ("51,5", "51.5"),
        ("a", "height"): ("160cm", "160"),
        ("b", "age"): ("203", None),
        ("b", "sex"): ("?", None),
        ("b", "weight"): ("light", None),
        ("c", "weight"): ("70kg", "70"),
        ("c", "height"): ("1.72", None),
    }
    np.testing.assert_array_equal(table.numbers["height"], [160, np.nan, np.nan])
    assert table.categories["sex"] == ("female", None, "male")


def test_headers_that_only_begin_like_ours_are_columns_of_their_own(tmp_path):
    text = (
        "ID,age,age_group,Weight (lb),weight,height_m,height cm,id_2\n"
        "a,23,young,150,68,1.7,170,7\nb,50,old,160,72,1.8,180,8\n"
    )
    table = read_metadata(write(tmp_path / "metadata.csv", text))
    assert {name: values.tolist() for name, values in table.numbers.items()} == {
        "age": [23, 50],
        "Weight (lb)": [150, 160],
        "weight": [68, 72],
        "height_m": [1.7, 1.8],
        "height": [170, 180],
        "id_2": [7, 8],
    }
    assert table.categories["age_group"] == ("young", "old")


def test_other_columns_are_numbers_or_categories_or_left_out(tmp_path):
    text = "ID,dose,site,note,blank\n" + "".join(
        f"p{i},{i / 4},{'north' if i % 2 else 'south'},remark {i},\n" for i in range(12)
    )
    table = read_metadata(write(tmp_path / "metadata.csv", text))
    np.testing.assert_allclose(table.numbers["dose"], np.arange(12) / 4)
    assert set(table.categories["site"]) == {"north", "south"}
    assert table.left_out == ("note",)


def test_samples_find_their_person_by_group_folder_or_name(tmp_path):
    table = read_metadata(write(tmp_path / "metadata.csv", "ID,age\nID001,1\nb,2\n이름,3\n"))
    samples = [
        sample("ID001/left.png", "ID001"),
        sample("x/id001/left.png", "x/id001"),
        sample("b.png", "b.png"),
        sample("이름.png", "이름"),
        sample("visit-2-of-b.png", "b"),
        sample("other.png", "other"),
    ]
    assert table.rows_of(samples).tolist() == [0, 0, 1, 2, 1, -1]


def test_the_table_is_found_beside_the_data_or_above(tmp_path):
    (tmp_path / "train" / "images").mkdir(parents=True)
    assert find_metadata(tmp_path / "train") is None
    above = write(tmp_path / "meta_data.xlsx", "x")
    assert find_metadata(tmp_path / "train") == above
    inside = write(tmp_path / "train" / "metadata.csv", "x")
    assert find_metadata(tmp_path / "train") == inside
    write(tmp_path / "train" / "metadata.xlsx", "x")
    with pytest.raises(DataError, match=r"metadata.csv and metadata.xlsx"):
        find_metadata(tmp_path / "train")


def test_a_table_of_something_else_is_an_error_only_if_it_is_named(tmp_path):
    (tmp_path / "train").mkdir()
    assert metadata_of(tmp_path / "train").unused is None
    scores = write(tmp_path / "metadata.csv", "image,score\na.png,1\n")
    found = metadata_of(tmp_path / "train")
    assert found.table is None
    assert found.unused.startswith("metadata.csv has no column ID and is not used")
    assert str(tmp_path) in found.unused
    with pytest.raises(DataError, match="has no column ID"):
        metadata_of(tmp_path / "train", scores)
    persons = write(tmp_path / "persons.csv", "ID,age\na,1\n")
    assert metadata_of(tmp_path / "train", persons).table.ids == ("a",)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("metadata.csv", b"", "holds no rows"),
        ("metadata.csv", b"ID,age\n", "holds no rows"),
        ("metadata.csv", b"name,age\na,1\n", "has no column ID.*got name, age"),
        ("metadata.csv", b"ID,age\na,1\nA,2\n", "same ID twice.*got a"),
        ("metadata.csv", b"ID,age,Age\na,1,2\n", "same column twice.*got age"),
        ("metadata.csv", b'ID,age\n"a,1\n', "is no CSV file"),
        ("metadata.csv", b"\xff\xff\xff,\n\xff,1", "is no text"),
        ("metadata.xlsx", b"ID,age\na,1\n", "is no xlsx workbook"),
    ],
)
def test_what_is_no_table_is_one_line_with_its_path(tmp_path, name, content, what):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}.*{what}") as raised:
        read_metadata(path)
    assert "\n" not in str(raised.value)
    with pytest.raises(DataError, match="cannot be read"):
        read_metadata(tmp_path / "none.csv")


@given(st.lists(st.lists(st.text(max_size=8), min_size=3, max_size=3), max_size=6))
def test_any_cells_are_read_or_refused(tmp_path_factory, cells):
    text = io.StringIO()
    csv.writer(text).writerows([["ID", "age", "colour"], *cells])
    path = tmp_path_factory.mktemp("any") / "metadata.csv"
    try:
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        table = read_metadata(path)
    except (DataError, UnicodeEncodeError):
        return
    columns = [*table.numbers.values(), *table.categories.values()]
    assert all(len(values) == len(table.ids) for values in columns)
