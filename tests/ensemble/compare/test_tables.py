import numpy as np
import pytest

from ensemble.compare.clusters import mergers
from ensemble.compare.comparison import compare_files
from ensemble.compare.tables import (
    class_table,
    cluster_table,
    dice_table,
    file_table,
    image_table,
    mask_table,
    matrix_table,
)
from ensemble.outputs.rle_csv import write_predictions

# Runs of three files; y of 2.png is in none.
ROWS = {
    ("1.png", "x"): ("1 10", "1 10", "6 10"),
    ("1.png", "y"): ("", "1 4", ""),
    ("2.png", "x"): ("1 20", "1 20", "1 20"),
}


@pytest.fixture
def found(tmp_path):
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    for f, path in enumerate(paths):
        write_predictions(path, [(*key, runs[f]) for key, runs in ROWS.items()])
    return compare_files(paths)


def rows(content):
    return [dict(zip(content.header, row, strict=True)) for row in content.rows]


def test_every_pair_of_files_has_its_dice_on_every_mask(found):
    content = dice_table(found)
    assert content.file_name == "dice.csv"
    assert content.header == ("file a", "file b", "image", "class", "Dice")
    dice = {row[:4]: row[4] for row in content.rows}
    assert len(content.rows) == len(dice) == 9
    assert dice["a", "c", "1.png", "x"] == pytest.approx(0.5, abs=1e-4)
    assert dice["a", "b", "1.png", "x"] == 1
    assert dice["b", "c", "1.png", "y"] < 1e-4
    assert ("a", "b", "2.png", "y") not in dice


def test_a_mask_has_its_mean_its_least_and_its_areas(found):
    first, second, third = rows(mask_table(found))
    assert (first["image"], first["class"]) == ("1.png", "x")
    assert first["Dice"] == pytest.approx(2 / 3, abs=1e-4)
    assert first["least"] == pytest.approx(0.5, abs=1e-4)
    assert [second[f"px in {name}"] for name in "abc"] == [0, 4, 0]
    assert third["Dice"] == 1


def test_a_file_has_its_mean_and_the_one_that_it_is_most_like(found):
    a, b, c = rows(file_table(found))
    assert [row["most like"] for row in (a, b, c)] == ["c", "a", "a"]
    assert a["its Dice"] == pytest.approx(2.5 / 3, abs=1e-4)
    assert a["mean with others"] == pytest.approx((2.5 / 3 + 2 / 3) / 2, abs=1e-4)
    assert [row["empty masks"] for row in (a, b, c)] == [1, 0, 1]
    np.testing.assert_array_equal([row[1:] for row in matrix_table(found).rows], found.matrix)


def test_classes_and_images_come_with_what_differs_most_first(found):
    y, x = rows(class_table(found))
    assert (y["class"], x["class"]) == ("y", "x")
    assert [y[f"empty in {name}"] for name in "abc"] == [1, 0, 1]
    assert x["least"] == pytest.approx(0.5, abs=1e-4)
    worst, best = rows(image_table(found))
    assert (worst["image"], worst["class that differs most"]) == ("1.png", "y")
    assert (best["image"], best["its Dice"]) == ("2.png", 1)


def test_groups_are_told_in_the_order_in_which_they_join(found):
    first, second = rows(cluster_table(found, mergers(found.matrix)))
    assert {first["group"], first["joins"]} == {"a", "c"}
    assert (second["group"], second["joins"]) == ("b", "a + c")
    assert first["Dice"] == pytest.approx(2.5 / 3, abs=1e-4)
