"""A whole exploration of one small, faulty data set, told by its notes and tables."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from layouts import write_index_maps, write_json, write_mask_folders, write_png

from ensemble.data.datasets import open_labelled
from ensemble.data.split_file import SplitPart, write_split
from ensemble.errors import DataError
from ensemble.explore.exploration import explore
from ensemble.explore.notes import take_notes
from ensemble.explore.tables import all_tables
from ensemble.report.tables import write_table
from faulty_data import NAMES, NUM_PERSONS, image, write_faulty_data


@pytest.fixture
def folder(tmp_path):
    return write_faulty_data(tmp_path)


def by_name(found):
    return {table.name: table for table in all_tables(found)}


def test_what_is_wrong_with_a_data_set_is_told(folder):
    found = explore(folder / "train", against=folder / "test")
    notes = take_notes(found)
    weights = [note.weight for note in notes]
    assert weights == sorted(weights, key=["wrong", "look", "fact"].index)
    text = "\n".join(note.text for note in notes)
    for line in (
        "1 pair of images of different groups look the same",
        "ID09/사진 L.png and ID10/사진 L.png",
        "1 pair of images that look the same are labelled differently",
        "1 pair of images here and in",
        f"1 time two classes have the same mask in an image, as {NAMES[0]} and right in ID04",
        "1 image without any label: ID03/사진 R.png.",
        "Classes that no image has: never.",
        "2 times a class lies on the side of its mirror class.",
        "1 group of images has no row in metadata.csv: ID11.",
        "11 cells of metadata.csv had to be cleaned.",
        "which argmax would lose",
        "surely differ in",
    ):
        assert line in text


def test_tables_hold_what_was_found(folder, tmp_path):
    tables = by_name(explore(folder / "train", against=folder / "test"))
    assert all(len(row) == len(t.header) for t in tables.values() for row in t.rows)
    assert len(tables["images"].rows) == 2 * NUM_PERSONS
    assert [row[:2] for row in tables["classes"].rows] == [
        (NAMES[0], 23), ("right", 23), ("spine", 23), ("never", 0),
    ]  # fmt: skip
    assert tables["classes"].rows[0][-1] == 1  # at the border
    assert len(tables["masks"].rows) == 3 * 23
    faults = {(row[0], row[1], row[2]) for row in tables["faults"].rows}
    assert ("no label", "ID03/사진 R.png", "") in faults
    assert ("in no image", "", "never") in faults
    assert ("same mask twice", "ID04/사진 L.png", NAMES[0]) in faults
    copies = tables["copies"].rows
    assert {(row[0], row[3], row[6], row[7]) for row in copies} == {
        ("ID08/사진 L.png", "ID08/사진 R.png", "same file", "same"),
        ("ID09/사진 L.png", "ID10/사진 L.png", "same file", "differ"),
        ("ID00/사진 L.png", "copy.png", "same file", ""),
    }
    assert tables["mirror-classes"].rows[0][4:] == (2, "ID11/사진 L.png ID11/사진 R.png")
    assert len(tables["persons"].rows) == 11
    assert tables["mended-cells"].rows[0] == ("ID00", "weight", "50kg", "50")
    assert tables["shift"].rows[0][3] > tables["shift"].rows[0][4]
    path = write_table(tmp_path / "out", tables["copies"])
    with path.open(encoding="utf-8", newline="") as stream:
        assert [tuple(row) for row in csv.reader(stream)] == [
            tables["copies"].header, *(tuple(map(str, row)) for row in copies),
        ]  # fmt: skip


def test_copies_in_different_folds_are_told_by_the_split(folder, tmp_path):
    samples = open_labelled(folder / "train").samples
    folds = np.array([int(sample.group[2:]) % 2 for sample in samples])
    write_split(tmp_path / "split.csv", [SplitPart("train", samples, folds)])
    found = explore(folder / "train", split=tmp_path / "split.csv")
    said = [note.text for note in take_notes(found)]
    assert any(
        text.startswith("1 pair of images in different folds look the same: ID09") for text in said
    )
    rows = {(row[0], row[3]): row[8] for row in by_name(found)["copies"].rows}
    assert rows["ID09/사진 L.png", "ID10/사진 L.png"] == "1 and 0"
    assert rows["ID08/사진 L.png", "ID08/사진 R.png"] == "0"
    together = explore(folder / "train", split=write_even(tmp_path, samples))
    assert not any("different folds" in note.text for note in take_notes(together))


def write_even(folder, samples):
    """A split whose fold 3 holds everything."""
    path = folder / "even.csv"
    write_split(path, [SplitPart("train", samples, np.full(len(samples), 3))])
    return path


def test_a_field_without_a_value_is_empty(folder, tmp_path):
    classes = by_name(explore(folder / "train"))["classes"]
    lines = write_table(tmp_path, classes).read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "never,0,,,,,,,0"


def test_images_alone_tell_what_they_can(folder):
    found = explore(folder / "test", metadata=folder / "metadata.csv")
    assert found.labels is None
    assert found.against is None
    assert found.persons.relations == []
    assert set(by_name(found)) == {
        "images", "faults", "copies", "image-pairs", "mended-cells", "persons",
    }  # fmt: skip
    assert "no row in metadata.csv" in take_notes(found)[0].text


def test_a_table_of_something_else_is_a_note(folder):
    (folder / "metadata.csv").write_text("image,score\na,1\n", encoding="utf-8")
    found = explore(folder / "train")
    assert found.persons is None
    assert any(
        n.text.startswith("metadata.csv has no column ID and is not used")
        for n in take_notes(found)
    )
    with pytest.raises(DataError, match="has no column ID"):
        explore(folder / "train", metadata=folder / "metadata.csv")


def test_labelled_folders_in_a_folder_without_labels_are_named(folder):
    (folder / "empty").mkdir()
    found = explore(folder)
    note = take_notes(found)[0]
    assert (note.weight, found.labels) == ("wrong", None)
    assert "labelled folders lie below this one, train." in note.text
    assert note.text.endswith(f"ens explore {folder / 'train'}")
    assert not any("No label was read" in n.text for n in take_notes(explore(folder / "train")))
    assert not any("No label was read" in n.text for n in take_notes(explore(folder / "test")))


def squares(folder, count, names, *, odd=None):
    """Squares of about one size beside each other, one of another size in the odd image."""
    rng = np.random.default_rng(0)
    stacks = {}
    for i in range(count):
        masks = np.zeros((len(names), 40, 60), bool)
        for c in range(len(names)):
            side = 18 if i == odd and c == 0 else 8 + int(rng.integers(2))
            masks[c, 10 : 10 + side, 20 * c : 20 * c + side] = True
        stacks[f"i{i}"] = masks
    write_mask_folders(folder, names, stacks)
    for i in range(count):
        write_png(folder / "images" / f"i{i}.png", image(i)[:40, :60])
    return explore(folder)


def test_one_outlier_is_told_as_one(tmp_path):
    found = squares(tmp_path, 12, ["bone"], odd=4)
    text = "\n".join(note.text for note in take_notes(found))
    assert "1 of 12 masks is an outlier of its class (robust z beyond 3.5), in i4.png." in text
    assert len(found.labels.odd_masks) == 1 <= len(found.labels.outliers)
    assert "classes" not in text  # a single one overlaps nothing


def test_classes_that_share_no_pixel_say_so(tmp_path):
    text = "\n".join(note.text for note in take_notes(squares(tmp_path, 3, ["a", "b"])))
    assert "No pixel has two classes or more." in text
    assert "0.00 %" not in text


def test_a_shift_of_no_single_figure_is_told_by_the_classifier(folder):
    found = explore(folder / "train", against=folder / "test")
    shift = found.against.shift
    quiet = replace(shift, chance=1.0, auc=0.73, auc_chance=0.7)
    chance = replace(quiet, auc_chance=0.75)
    said = [
        [n.text for n in take_notes(replace(found, against=replace(found.against, shift=s)))
         if n.slug == "shift"]
        for s in (quiet, chance)
    ]  # fmt: skip
    assert len(said[0]) == len(said[1]) == 1
    assert "no more than chance in any single figure, but a classifier" in said[0][0]
    assert "73 % of pairs (by chance up to 70 %)" in said[0][0]
    assert said[1][0].endswith("differ by no more than chance.")


def test_exclusive_classes_have_no_overlaps_and_background_is_no_label(tmp_path):
    maps = {f"i{i}": np.zeros((9, 8 + i), np.uint8) for i in range(3)}
    maps["i1"][2:5, 1:4] = 1
    yaml = "names: [background, bone]\nexclusive: true\nignore: 255\n"
    write_index_maps(tmp_path, maps, yaml)
    found = explore(tmp_path)
    assert found.labels.empty == [0, 2]
    assert by_name(found)["overlaps"].rows == ()
    notes = [note.text for note in take_notes(found)]
    assert "2 images without any label: i0.png, i2.png." in notes
    assert "The images have 3 different sizes." in notes
    assert not any("several classes" in note for note in notes)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"against": "train"}, "is compared with itself"),
        ({"against": "nowhere"}, "cannot be listed"),
        ({"metadata": "nothing.csv"}, r"nothing.csv: cannot be read"),
        ({"groups": "(x"}, "no regular expression"),
    ],
)
def test_bad_input_is_one_line(folder, options, what):
    given = {name: value if name == "groups" else folder / value for name, value in options.items()}
    with pytest.raises((DataError, ValueError), match=what) as raised:
        explore(folder / "train", **given)
    assert "\n" not in str(raised.value)


def test_broken_labels_are_stated(tmp_path):
    write_png(tmp_path / "images" / "a.png", image(0))
    write_json(tmp_path / "annotations.json", {"images": []})
    with pytest.raises(DataError, match="annotations"):
        explore(tmp_path)
