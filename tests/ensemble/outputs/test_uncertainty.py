import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from ensemble.errors import ConfigError, DataError, OutputError
from ensemble.outputs.uncertainty import Doubtfulness, UncertaintyFolder
from ensemble.samples import Sample


def samples(*names):
    return [Sample(name, Path("images") / name, name) for name in names]


def test_pictures_lie_as_their_images_and_come_back(tmp_path):
    folder = UncertaintyFolder(tmp_path / "u", tmp_path / "images", samples("a/손.jpg", "b.tif"))
    levels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    found = folder.write("a/손.jpg", levels)
    path = tmp_path / "u" / "a" / "손.png"
    read = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read, levels)
    assert found.mean == pytest.approx(levels.mean() / 255)
    assert found.unsure_share == pytest.approx(5 / 12)
    assert folder.stamp("a/손.jpg")[0] == path.stat().st_size
    assert folder.stamp("b.tif") == []


def test_the_most_doubtful_stand_first(tmp_path):
    folder = UncertaintyFolder(tmp_path / "u", tmp_path / "images", samples("a.png", "b.png"))
    path = folder.write_table([("a", Doubtfulness(0.1, 0.0)), ("b", Doubtfulness(0.2, 0.05))])
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["image_name", "mean", "unsure_share"],
        ["b", "0.200000", "0.050000"],
        ["a", "0.100000", "0.000000"],
    ]


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="among the images"):
        UncertaintyFolder(tmp_path / "images" / "u", tmp_path / "images", samples("a.png"))
    with pytest.raises(DataError, match=r"share a picture of uncertainty: got a.jpg and a.png"):
        UncertaintyFolder(tmp_path, tmp_path / "images", samples("a.jpg", "a.png"))
    (tmp_path / "u").write_text("a file")
    folder = UncertaintyFolder(tmp_path / "u", tmp_path / "images", samples("a.png"))
    with pytest.raises(OutputError, match="cannot be written"):
        folder.write("a.png", np.zeros((2, 2), np.uint8))
