"""Tables of run-length strings."""

from __future__ import annotations

import numpy as np
import pytest
from layouts import write_blank

from ensemble.bit_planes import unpack
from ensemble.data.datasets import open_labelled
from ensemble.errors import ClassListError, DataError, LabelError

HEADER = "image_name,class,rle\n"
SIZE = (3, 4)


def open_table(folder, text):
    write_blank(folder / "images", {"a.png": SIZE})
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return open_labelled(folder)


def read_first(folder, text):
    labelled = open_table(folder, text)
    return unpack(labelled.read_label(labelled.samples[0]).planes, len(labelled.classes))


def test_row_major_from_one(tmp_path):
    masks = read_first(tmp_path, HEADER + "a.png,x,2 3 12 1\n")
    np.testing.assert_array_equal(np.flatnonzero(masks[0]), [1, 2, 3, 11])


def test_classes_in_order_of_first_row_and_empty_masks(tmp_path):
    labelled = open_table(tmp_path, HEADER + "a.png,x,\na.png,NA,1 1\na.png,null,\n")
    assert labelled.classes.names == ("x", "NA", "null")
    masks = unpack(labelled.read_label(labelled.samples[0]).planes, 3)
    assert masks.sum(axis=(1, 2)).tolist() == [0, 1, 0]


def test_strings_longer_than_a_csv_field_of_python(tmp_path):
    write_blank(tmp_path / "images", {"a.png": (400, 400)})
    text = " ".join(f"{start} 1" for start in range(1, 160001, 2))
    (tmp_path / "labels.csv").write_text(HEADER + f"a.png,x,{text}\n")
    labelled = open_labelled(tmp_path)
    assert np.count_nonzero(labelled.read_label(labelled.samples[0]).planes) == 80000


@pytest.mark.parametrize("rle", ["1", "0 1", "12 2", "5 1 3 1", "a b", "1.5 2", "2 0", "-1 2"])
def test_malformed_strings(tmp_path, rle):
    with pytest.raises(LabelError, match=r"labels\.csv: line 2: a\.png, class x: "):
        read_first(tmp_path, HEADER + f"a.png,x,{rle}\n")


def test_malformed_tables(tmp_path):
    with pytest.raises(DataError, match=r"labels\.csv: .*line 3 repeats a\.png, x of line 2"):
        open_table(tmp_path, HEADER + "a.png,x,1 1\na.png,x,\n")


def test_no_rows(tmp_path):
    with pytest.raises(ClassListError, match=r"labels\.csv: names is empty"):
        open_table(tmp_path, HEADER)
