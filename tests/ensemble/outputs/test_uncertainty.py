import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import zarr

from ensemble.data.samples import Sample
from ensemble.errors import ConfigError, DataError, OutputError
from ensemble.outputs.uncertainty import Doubtfulness, UncertaintyPictures


def samples(*names):
    return [Sample(name, Path("images") / name, name) for name in names]


def test_pictures_lie_as_their_images_and_come_back(tmp_path):
    folder = UncertaintyPictures(tmp_path / "u", tmp_path / "images", samples("a/손.jpg", "b.tif"))
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
    folder = UncertaintyPictures(tmp_path / "u", tmp_path / "images", samples("a.png", "b.png"))
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
        UncertaintyPictures(tmp_path / "images" / "u", tmp_path / "images", samples("a.png"))
    with pytest.raises(DataError, match=r"share a picture of uncertainty: got a.jpg and a.png"):
        UncertaintyPictures(tmp_path, tmp_path / "images", samples("a.jpg", "a.png"))
    (tmp_path / "u").write_text("a file")
    folder = UncertaintyPictures(tmp_path / "u", tmp_path / "images", samples("a.png"))
    with pytest.raises(OutputError, match="cannot be written"):
        folder.write("a.png", np.zeros((2, 2), np.uint8))


@pytest.mark.parametrize("size", [(700, 513), (1, 1), (3, 1200)])
def test_a_zarr_group_holds_an_array_an_image_with_its_whole_name(tmp_path, size):
    place = tmp_path / "u.zarr"
    folder = UncertaintyPictures(place, tmp_path / "images", samples("a/손 1.jpg", "a/손 1.png"))
    levels = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    folder.write("a/손 1.jpg", np.zeros((9, 9), np.uint8))
    before = folder.stamp("a/손 1.jpg")
    found = folder.write("a/손 1.jpg", levels)
    folder.write("a/손 1.png", np.zeros_like(levels))
    group = zarr.open_group(place, mode="r")
    np.testing.assert_array_equal(group["a/손 1.jpg"][:], levels)
    assert group["a/손 1.png"].shape == size
    assert not group["a/손 1.png"][:].any()
    assert found.mean == pytest.approx(levels.mean() / 255)
    assert folder.stamp("a/손 1.png") != []
    assert before != folder.stamp("a/손 1.jpg") != []


def test_the_table_of_a_zarr_group_lies_beside_it(tmp_path):
    """Within it zarr would warn of a file that it does not know."""
    folder = UncertaintyPictures(tmp_path / "u.zarr", tmp_path / "images", samples("a.png"))
    folder.write("a.png", np.ones((2, 2), np.uint8))
    assert folder.write_table([("a.png", Doubtfulness(0.1, 0.0))]).parent == tmp_path
    assert dict(zarr.open_group(tmp_path / "u.zarr", mode="r").members(max_depth=None)).keys() == {
        "a.png"
    }


def test_a_zarr_group_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "u.zarr").write_text("a file")
    folder = UncertaintyPictures(tmp_path / "u.zarr", tmp_path / "images", samples("a.png"))
    with pytest.raises(OutputError, match=r"u\.zarr"):
        folder.write("a.png", np.zeros((2, 2), np.uint8))


def test_threads_may_write_into_a_zarr_group_at_once(tmp_path):
    names = [f"p{i % 3}/{i}.png" for i in range(24)]
    folder = UncertaintyPictures(tmp_path / "u.zarr", tmp_path / "images", samples(*names))
    levels = np.full((5, 7), 9, np.uint8)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda name: folder.write(name, levels), names))
    assert len(found) == 24
    group = zarr.open_group(tmp_path / "u.zarr", mode="r")
    assert all((group[name][:] == 9).all() for name in names)
