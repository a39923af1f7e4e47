import numpy as np
import pytest

from ensemble.compare.comparison import compare_files
from ensemble.compare.pixel_order import order_hint
from ensemble.outputs.rle_csv import write_predictions
from ensemble.runs.rle import encode, format_pairs

SIZE = (90, 120)


@pytest.fixture
def hint(tmp_path):
    """What is said of files given by the order, the shift and the height of their masks."""

    def say(**files):
        paths = []
        for name, (order, shift, *height) in files.items():
            mask = np.zeros(SIZE, bool)
            mask[20 + shift : 20 + shift + sum(height or [20]), 70:100] = True
            rows = [
                ("1.png", "x", format_pairs(encode(mask, order=order))),
                ("1.png", "y", format_pairs(encode(np.roll(mask, 30, 0), order=order))),
                ("1.png", "z", ""),
            ]
            paths.append(tmp_path / f"{name}.csv")
            write_predictions(paths[-1], rows)
        return order_hint(compare_files(paths))

    return say


def test_masks_of_like_areas_that_hardly_overlap_are_told(hint):
    text = hint(a=("row", 0), b=("column", 1))
    assert text.startswith("The masks of a and b have much the same areas, but hardly overlap")
    assert "one of them may count pixels along columns instead of rows" in text


def test_of_three_files_the_odd_one_is_named(hint):
    text = hint(a=("row", 0), b=("column", 0), c=("row", 2))
    assert text.startswith("The masks of b have much the same areas as those of the others, but")
    assert "it may count" in text
    both = hint(a=("row", 0), b=("column", 0), c=("row", 2), d=("column", 2))
    assert both.startswith("The masks of a and b, a and d, b and c and 1 more have much")
    some = hint(a=("row", 0), b=("column", 0), c=("row", 2), d=("row", 0, 5))
    assert some.startswith("The masks of a and b, b and c have much")


def test_masks_that_overlap_or_differ_in_area_are_not(hint, tmp_path):
    assert hint(a=("row", 0), b=("row", 12)) == ""
    for name, runs in (("few", "1 10"), ("many", "100 900"), ("none", "")):
        write_predictions(tmp_path / f"{name}.csv", [("1.png", "x", runs)])
    for pair in (("few", "many"), ("none", "many")):
        assert order_hint(compare_files([tmp_path / f"{name}.csv" for name in pair])) == ""
