import csv
import os
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ensemble.errors import DataError
from ensemble.outputs.rle_csv import write_predictions
from ensemble.runs.rle_table import COLUMNS, open_rle_table

HEADER = "image_name,class,rle\n"
ROWS = [
    ("a.png", "finger-1", "1 3 9 2"),
    ("b, c.png", "Ulna", "1 9"),
    ('5" film.png', "finger-1", ""),
    ("a.png", "Ulna", ""),
    ("b, c.png", "finger-1", "4 1"),
    ('5" film.png', "Ulna", "2 2"),
]


def save(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def rows_of(table):
    return {
        (image, name): text for image in table.places for name, text in table.strings(image).items()
    }


def test_reading_inverts_writing(tmp_path):
    write_predictions(tmp_path / "p.csv", ROWS)
    table = open_rle_table(tmp_path / "p.csv")
    assert rows_of(table) == {(image, name): text for image, name, text in ROWS}
    assert list(table.places) == ["a.png", "b, c.png", '5" film.png']
    assert list(table.strings("b, c.png")) == ["Ulna", "finger-1"]


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=6)


@given(
    st.dictionaries(st.tuples(names, names), st.sampled_from(["", "1 1", "3 4 9 1"]), max_size=8),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.permutations([0, 1, 2]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_names_in_any_dialect(tmp_path, rows, quoted, end, encoding, order):
    path = tmp_path / "p.csv"
    with path.open("w", encoding=encoding, newline="") as stream:
        quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
        writer = csv.writer(stream, lineterminator=end, quoting=quoting)
        for row in [COLUMNS, *((*pair, text) for pair, text in rows.items())]:
            writer.writerow([row[column] for column in order])
    table = open_rle_table(path)
    assert rows_of(table) == rows
    assert table.class_names == tuple(dict.fromkeys(name for _, name in rows))


def test_classes_come_in_the_order_of_their_first_rows(tmp_path):
    text = HEADER + "a,x,\nb,y,\na,z,\nb,x,\n"
    assert open_rle_table(save(tmp_path / "p.csv", text)).class_names == ("x", "y", "z")


def test_names_that_look_like_missing_values_stay_names(tmp_path):
    write_predictions(tmp_path / "p.csv", [("NA", "nan", "1 1"), ("NA", "None", "")])
    assert open_rle_table(tmp_path / "p.csv").strings("NA") == {"nan": "1 1", "None": ""}


def test_lines_are_counted_as_an_editor_does(tmp_path):
    text = HEADER + '\n"two\nlines",x,1 1\r\n\r\na,x,\nb,x,'
    table = open_rle_table(save(tmp_path / "p.csv", text))
    assert {image: rows["x"].line for image, rows in table.places.items()} == {
        "two\nlines": 3,
        "a": 6,
        "b": 7,
    }
    assert table.where("b", "x") == f"{tmp_path / 'p.csv'}: line 7"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a,x,1 1,9", "has 4 fields instead of 3"),
        ("a,x,1 1,", "has 4 fields instead of 3"),
        ("a,x", "has 2 fields instead of 3"),
        (" ", "has 1 fields instead of 3"),
        (",x,1 1", "names no image or no class"),
        ("a,,1 1", "names no image or no class"),
        ("a,x,-1", "has -1 for a mask"),
        ("a,x,nan", "has nan for a mask"),
        ("a,x, NaN ", "has NaN for a mask"),
        ("a,x,None", "has None for a mask"),
        ('a,x,"1 1', "has a quote that is not closed"),
        ('a,"x"y,1 1', "has a quote that is not closed, or inside of a field"),
        ('a,x"y,"1 1"', "has a quote that is not closed, or inside of a field"),
        ("ok,x,1 1", "repeats ok, x of line 2"),
    ],
)
def test_a_fault_is_placed(tmp_path, row, fault):
    path = save(tmp_path / "p.csv", HEADER + f"ok,x,1 2\n\n{row}\n")
    with pytest.raises(DataError, match=rf"p\.csv: has 1 unusable row: got line 4 {fault}"):
        open_rle_table(path)


def test_bytes_of_another_encoding_are_placed(tmp_path):
    path = save(tmp_path / "p.csv", HEADER + "ok,x,\nbü,x,\n", "latin-1")
    with pytest.raises(DataError, match=r"p\.csv: .* line 3 is no text in UTF-8"):
        open_rle_table(path)


def test_faults_are_counted_and_the_first_shown(tmp_path):
    path = save(tmp_path / "p.csv", HEADER + "a,x\n" * 7)
    with pytest.raises(DataError, match=r"7 unusable rows: .*line 6 has 2 fields .* and 2 more$"):
        open_rle_table(path)


def test_a_quote_that_never_closes_is_found_in_time(tmp_path):
    rows = "".join(f"{i},x,1 1\n" for i in range(100_000))
    path = save(tmp_path / "p.csv", HEADER + '"a,x,1 1\n' + rows)
    with pytest.raises(DataError, match="line 2 has a quote that is not closed"):
        open_rle_table(path)


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "an empty file"),
        ("\n", "an empty file"),
        ("image_name,class\na,b\n", "image_name, class"),
        ("image_name;class;rle\n", "image_name;class;rle (save it with commas between fields)"),
        (",image_name,class,rle\n0,a,x,\n", ", image_name, class, rle"),
        ("image_name,class,rle,rle\n", "image_name, class, rle, rle"),
    ],
)
def test_other_columns_are_refused(tmp_path, text, got):
    with pytest.raises(DataError) as caught:
        open_rle_table(save(tmp_path / "p.csv", text))
    assert str(caught.value) == (
        f"{tmp_path / 'p.csv'}: has other columns: "
        f"expected image_name,class,rle in any order, got {got}"
    )


@pytest.mark.parametrize("text", ['"image_name,class,rle\n', "image_name,class,rle\n\udcff\udcfe"])
def test_what_is_no_csv_is_refused(tmp_path, text):
    (tmp_path / "p.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=r"p\.csv: "):
        open_rle_table(tmp_path / "p.csv")
    with pytest.raises(DataError, match="is no CSV file: line 1 is no text in UTF-8"):
        open_rle_table(save(tmp_path / "p.csv", HEADER, "utf-16"))


def test_what_cannot_be_read_twice_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        open_rle_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        open_rle_table(tmp_path)
    reading, writing = os.pipe()
    os.close(writing)
    with pytest.raises(DataError, match="is a pipe: expected a file that can be read twice"):
        open_rle_table(tmp_path.__class__(f"/dev/fd/{reading}"))
    os.close(reading)


@pytest.mark.parametrize("change", ["a,y,1 1\n", "a,x,1 1,2\n", "", "b,x,1 1\n"])
def test_a_file_that_changes_in_use_is_noticed(tmp_path, change):
    table = open_rle_table(save(tmp_path / "p.csv", HEADER + "a,x,1 1\n"))
    save(tmp_path / "p.csv", HEADER + change)
    with pytest.raises(DataError, match=r"p\.csv: line 2: has changed while it was in use"):
        table.strings("a")


def test_strings_are_not_held(tmp_path):
    text = "1 1 " * 1000
    rows = ((f"{i:04}.png", f"class-{c}", text) for i in range(100) for c in range(20))
    write_predictions(tmp_path / "p.csv", rows)
    tracemalloc.start()
    table = open_rle_table(tmp_path / "p.csv")
    assert all(list(table.strings(image).values()) == [text] * 20 for image in table.places)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < (tmp_path / "p.csv").stat().st_size / 4


@pytest.mark.parametrize("mark", [";", "\t"])
def test_another_separator_is_told(tmp_path, mark):
    text = mark.join(("image_name", "class", "rle")) + "\n"
    with pytest.raises(DataError, match="save it with commas between fields"):
        open_rle_table(save(tmp_path / "p.csv", text))


def test_another_encoding_is_told(tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes("image_name,class,rle\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"no text in UTF-8 \(save it as CSV in UTF-8\)"):
        open_rle_table(path)
