from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ensemble.data.folds import grouped_folds
from ensemble.data.split_file import SplitPart, read_split, read_split_of, write_split
from ensemble.errors import DataError, OutputError


def folds_of(labelled):
    return grouped_folds([sample.group for sample in labelled.samples], 3, 0)


def part_of(labelled, folder="train"):
    return SplitPart(folder, labelled.samples, folds_of(labelled))


def test_a_split_comes_back(hands, tmp_path):
    path = tmp_path / "new" / "split.csv"
    write_split(path, [part_of(hands)])
    assert path.read_text(encoding="utf-8").splitlines()[:2] == [
        "folder,image,group,fold",
        f"train,ID0/L.png,ID0,{folds_of(hands)[0]}",
    ]
    np.testing.assert_array_equal(read_split(path, "train", hands.samples), folds_of(hands))
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *reversed(lines[1:])]), encoding="utf-8-sig")
    np.testing.assert_array_equal(read_split(path, "train", hands.samples), folds_of(hands))
    assert [p.name for p in path.parent.iterdir()] == ["split.csv"]


def test_one_name_in_two_folders_is_two_images(hands, tmp_path):
    path = tmp_path / "split.csv"
    write_split(path, [part_of(hands), part_of(hands, "val")])
    assert len(set(path.read_text(encoding="utf-8").splitlines())) == 1 + 2 * len(hands.samples)
    with pytest.raises(DataError, match=r"12 images that are not there \(val: ID0/L\.png, "):
        read_split(path, "train", hands.samples)


@pytest.mark.parametrize("named", ["train", "data/train", "./train", "../data/train"])
def test_a_folder_finds_its_rows_beside_those_of_others(hands, tmp_path, named):
    path = tmp_path / "split.csv"
    folds = (folds_of(hands) + 1) % 3
    others = [part_of(hands, "val"), part_of(hands, "other/train")]
    write_split(path, [*others, SplitPart(named, hands.samples, folds)])
    found = read_split_of(path, Path("somewhere/data/train"), hands.samples)
    np.testing.assert_array_equal(found, folds)
    with pytest.raises(DataError, match=r"split\.csv: says nothing of here: expected one of val, "):
        read_split_of(path, Path("here"), hands.samples)
    renamed = [replace(sample, name=f"x/{sample.name}") for sample in hands.samples]
    with pytest.raises(DataError, match="12 images without fold"):
        read_split_of(path, Path("val"), renamed)


def test_the_longest_name_that_fits_is_meant(hands, tmp_path):
    path = tmp_path / "split.csv"
    folds = (folds_of(hands) + 1) % 3
    write_split(path, [part_of(hands), SplitPart("data/train", hands.samples, folds)])
    found = read_split_of(path, Path("data/train"), hands.samples)
    np.testing.assert_array_equal(found, folds)
    np.testing.assert_array_equal(
        read_split_of(path, Path("train"), hands.samples), folds_of(hands)
    )


def test_a_split_that_cannot_be_written(hands, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"split\.csv: cannot be written"):
        write_split(tmp_path / "file" / "split.csv", [part_of(hands)])


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("folder,image,group", "image,group", "is no split: expected the header folder,image,"),
        ("ID0/L.png,ID0,", "ID0/L.png,ID0,x", "row 2 is malformed"),
        ("ID0/L.png,ID0,", "ID0/L.png,ID0,0,", "row 2 is malformed"),
        ("ID0/L.png,ID0,", f"ID0/L.png,ID0,{'1' * 20}", "row 2 is malformed"),
        ("ID0/L.png", "ID0/R.png", "row 3 repeats an image: got train: ID0/R.png"),
        (
            "ID0/L.png",
            "ID9/L.png",
            r"other images: got 1 images without fold \(train: ID0/L\.png\) and "
            r"1 images that are not there \(train: ID9/L\.png\) \(remove the file",
        ),
        ("L.png,ID0", "L.png,ID1", r"1 image is in other groups .*: got ID0/L\.png"),
        ("\n", '\n"', "is no CSV file"),
    ],
)
def test_splits_that_do_not_fit(hands, tmp_path, old, new, match):
    path = tmp_path / "split.csv"
    write_split(path, [part_of(hands)])
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=r"split\.csv: .*" + match):
        read_split(path, "train", hands.samples)


def test_a_group_in_two_folds(hands, tmp_path):
    part = part_of(hands)
    part.folds[0] = (part.folds[0] + 1) % 3
    write_split(tmp_path / "split.csv", [part])
    with pytest.raises(DataError, match="1 group is spread over folds: got ID0"):
        read_split(tmp_path / "split.csv", "train", hands.samples)


@pytest.mark.parametrize("content", [None, b"", b"\xff"])
def test_no_split(tmp_path, content):
    if content is not None:
        (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"split\.csv: (cannot be read|is no)"):
        read_split(tmp_path / "split.csv", "train", [])


# --- leaks
