import io

import numpy as np
import pandas as pd
import pytest

import reference
from ensemble.errors import OutputError
from ensemble.outputs.rle_csv import write_predictions
from ensemble.runs.rle import encode, format_rle

ROWS = [
    ("a.png", "finger-1", "1 3 9 2"),
    ("a.png", "Ulna", ""),
    ("b, c.png", "finger-1", "4 1"),
    ("b, c.png", "Ulna", "1 9"),
]


def test_the_file_equals_that_of_the_contest_to_the_byte(tmp_path):
    """The contest's way: loop over images and classes, encode, and let pandas write the table."""
    rng = np.random.default_rng(0)
    names = ["image1661130828152_R.png", "image1661319116107.png"]
    masks = {
        (n, c): rng.random((7, 5)) < p for n in names for c, p in (("Radius", 0.5), ("Ulna", 0))
    }
    table = pd.DataFrame(
        {
            "image_name": [name for name, _ in masks],
            "class": [name for _, name in masks],
            "rle": [reference.rle_string(mask) for mask in masks.values()],
        }
    )
    theirs = io.StringIO()
    table.to_csv(theirs, index=False)
    path = tmp_path / "p.csv"
    write_predictions(
        path, [(i, c, format_rle(encode(mask), mask.shape)) for (i, c), mask in masks.items()]
    )
    assert path.read_bytes() == theirs.getvalue().encode()
    assert pd.read_csv(path)["rle"].isna().sum() == 2


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_predictions(tmp_path / "file" / "p.csv", ROWS)


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "p.csv"
    write_predictions(path, ROWS)
    before = path.read_bytes()

    def rows():
        yield ROWS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_predictions(path, rows())
    assert path.read_bytes() == before
