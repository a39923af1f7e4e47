import pytest

from ensemble.compare.comparison import compare_files
from ensemble.compare.notes import take_notes
from ensemble.outputs.rle_csv import write_predictions

IMAGES, CLASSES = ("1.png", "2.png"), ("x", "y", "z")
FULL = dict.fromkeys([(image, name) for image in IMAGES for name in CLASSES], "1 1000")


@pytest.fixture
def notes(tmp_path):
    """Remarks on files given as rows by (image, class), the weight before the text."""

    def take(missing="refuse", **files):
        paths = []
        for name, rows in files.items():
            paths.append(tmp_path / f"{name}.csv")
            write_predictions(paths[-1], [(*key, runs) for key, runs in rows.items()])
        found = compare_files(paths, missing=missing)
        return [f"{note.weight}: {note.text}" for note in take_notes(found)]

    return take


def with_runs(runs, *keys):
    return FULL | dict.fromkeys(keys or FULL, runs)


def test_files_that_are_the_same_or_almost_are_told_as_groups(notes):
    assert notes(a=FULL, b=FULL) == ["look: a and b hold the same masks, to the pixel."]
    told = notes(a=FULL, b=with_runs("1 999"), c=with_runs("1 998"), d=with_runs("1 500"))
    assert told[0] == "look: c and a and b hold almost the same masks: mean Dice 0.9990 or more."
    assert not any("the same masks" in line for line in notes(a=FULL, b=with_runs("1 900")))


def test_the_file_that_is_least_like_the_others_is_told(notes):
    told = notes(a=FULL, b=with_runs("1 900"), c=with_runs("501 1000"))
    among, apart = 1800 / 1900, (1000 / 2000 + 800 / 1900) / 2
    assert (
        f"look: c is the least like the others: mean Dice {apart:.4f} with them, {among:.4f} "
        "among them."
    ) in told
    assert not any("least like" in line for line in notes(a=FULL, b=with_runs("1 900")))


def test_masks_that_a_file_leaves_empty_are_told_by_image_and_class(notes):
    bare = with_runs("", *((image, "z") for image in IMAGES), *(("2.png", c) for c in CLASSES))
    told = notes(a=FULL, b=bare | {("1.png", "x"): ""} | {("1.png", "y"): "1 9"})
    assert "look: b leaves 5 masks empty that the other fills: all on 2.png; all of x, z." in told
    told = notes(a=FULL, b=FULL, c=with_runs("", ("1.png", "x")))
    assert "look: c leaves 1 mask empty that most others fill: some of x." in told
    told = notes(a=FULL, b=with_runs(""))
    assert "look: b leaves 6 masks empty that the other fills: all of them." in told
    few = notes(a=FULL, b=with_runs("", ("1.png", "x")), c=with_runs("", ("1.png", "x")))
    assert not any("empty" in line for line in few)


def test_classes_and_images_that_differ_most_are_told(notes):
    other = with_runs("1 500", ("1.png", "y")) | {("2.png", "y"): "1 900"}
    told = notes(a=FULL, b=other)
    mean = (1000 / 1500 + 1800 / 1900) / 2
    assert f"look: Files differ most on the classes y ({mean:.4f})." in told
    first, second = (2 + 1000 / 1500) / 3, (2 + 1800 / 1900) / 3
    assert (
        f"look: Files differ most on the images 1.png ({first:.4f}), 2.png ({second:.4f})." in told
    )


def test_two_groups_of_files_are_told(notes):
    files = {
        "a": FULL,
        "b": with_runs("1 900"),
        "c": with_runs("801 900"),
        "d": with_runs("801 800"),
    }
    told = notes(**files)
    assert any("fact: Files fall into two groups, " in line for line in told)
    files["d"] = with_runs("1 800")
    assert not any("two groups" in line for line in notes(**files))


def test_rows_that_are_missing_are_told(notes):
    part = {key: runs for key, runs in FULL.items() if key != ("1.png", "x")}
    told = notes("empty", a=FULL, b=part)
    assert told[0].startswith("look: 1 row is missing and counts as empty: ")
    assert told[0].endswith("b.csv has no 1.png, x.")
