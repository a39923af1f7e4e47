"""One folder of masks a class."""

from __future__ import annotations

import numpy as np
import pytest
from layouts import write_blank, write_mask_folders, write_png

from ensemble.bit_planes import get_mask
from ensemble.classes import ClassList
from ensemble.data.datasets import open_labelled
from ensemble.errors import ClassListError, DataError

SIZE = (5, 8)
MASK = np.zeros(SIZE, np.uint8)
MASK[1:3, 2:] = 9


def test_nested_images_have_nested_masks(tmp_path):
    write_blank(tmp_path / "images", {"ID1/a.jpg": SIZE, "ID2/a.jpg": SIZE})
    write_png(tmp_path / "masks" / "hand" / "ID2" / "a.PNG", MASK)
    labelled = open_labelled(tmp_path)
    first, second = (labelled.read_label(sample) for sample in labelled.samples)
    assert not first.planes.any()
    np.testing.assert_array_equal(get_mask(second.planes, 0), MASK > 0)
    assert first.ignored is None


def test_a_class_without_folder_is_absent(tmp_path):
    write_mask_folders(tmp_path, ["b"], {"x": MASK[None] > 0})
    labelled = open_labelled(tmp_path, classes=ClassList(names=("a", "b")))
    planes = labelled.read_label(labelled.samples[0]).planes
    assert not get_mask(planes, 0).any()
    assert get_mask(planes, 1).any()


def test_classes_are_sorted_folder_names(tmp_path):
    write_mask_folders(tmp_path, ["b", "B", "a 1"], {"x": np.zeros((3, *SIZE), bool)})
    (tmp_path / "masks" / ".cache").mkdir()
    assert open_labelled(tmp_path).classes.names == ("B", "a 1", "b")


def test_masks_without_image(tmp_path):
    write_mask_folders(tmp_path, ["b"], {"x": MASK[None] > 0})
    write_png(tmp_path / "masks" / "b" / "ID1" / "x.png", MASK)
    with pytest.raises(DataError, match=r"1 label without image \(b/ID1/x\.png\)"):
        open_labelled(tmp_path)


@pytest.mark.parametrize("stray", ["x.png", "b/y.jpg"])
def test_stray_files(tmp_path, stray):
    write_mask_folders(tmp_path, ["b"], {"x": MASK[None] > 0})
    write_png(tmp_path / "masks" / stray, MASK)
    with pytest.raises(DataError, match=rf"masks: 1 file is no mask of a class.*{stray}"):
        open_labelled(tmp_path)


def test_no_class_folder(tmp_path):
    write_mask_folders(tmp_path, [], {})
    (tmp_path / "masks").mkdir()
    write_blank(tmp_path / "images", {"x.png": SIZE})
    with pytest.raises(ClassListError, match="masks: names is empty"):
        open_labelled(tmp_path)
