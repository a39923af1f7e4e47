"""Maps of class indices."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from layouts import write_index_maps, write_png

from ensemble.bit_planes import unpack
from ensemble.data.datasets import open_labelled
from ensemble.errors import ClassListError, DataError, LabelError

MAP = np.array([[0, 1, 2, 2], [0, 0, 255, 1], [2, 2, 255, 255]], np.uint8)
YAML = "names: [background, lung, heart]\nexclusive: true\nignore: 255\n"


def read_first(folder):
    labelled = open_labelled(folder)
    return labelled.read_label(labelled.samples[0])


def test_classes_and_ignored_pixels(tmp_path):
    write_index_maps(tmp_path, {"a": MAP}, YAML)
    label = read_first(tmp_path)
    np.testing.assert_array_equal(unpack(label.planes, 3), np.arange(3)[:, None, None] == MAP)
    np.testing.assert_array_equal(label.ignored, MAP == 255)


def test_nothing_to_ignore(tmp_path):
    write_index_maps(tmp_path, {"a": np.minimum(MAP, 2)}, YAML)
    assert read_first(tmp_path).ignored is None


def test_values_of_sixteen_bits(tmp_path):
    yaml = "names: [a, b, c]\nvalues: [1000, 7, 65535]\n"
    values = np.array([1000, 7, 65535], np.uint16)
    write_index_maps(tmp_path, {"a": values[np.minimum(MAP, 2)]}, yaml)
    expected = np.minimum(MAP, 2) == np.arange(3)[:, None, None]
    np.testing.assert_array_equal(unpack(read_first(tmp_path).planes, 3), expected)


def test_a_value_that_no_map_can_hold(tmp_path):
    write_index_maps(tmp_path, {"a": MAP * 0}, "names: [a, b]\nvalues: [0, 70000]\nignore: -1\n")
    np.testing.assert_array_equal(read_first(tmp_path).planes, np.ones((1, 3, 4), np.uint32))


def test_more_classes_than_a_word_has_bits(tmp_path):
    yaml = f"names: {[f'c{i}' for i in range(40)]}"
    indices = np.arange(40, dtype=np.uint8).reshape(5, 8)
    write_index_maps(tmp_path, {"a": indices}, yaml)
    expected = indices == np.arange(40)[:, None, None]
    np.testing.assert_array_equal(unpack(read_first(tmp_path).planes, 40), expected)


def test_palette_maps_hold_indices(tmp_path):
    write_index_maps(tmp_path, {"a": MAP}, YAML)
    image = PIL.Image.fromarray(MAP)
    image.putpalette([255 - value for value in range(256) for _ in range(3)])
    image.save(tmp_path / "labels" / "a.png")
    np.testing.assert_array_equal(read_first(tmp_path).ignored, MAP == 255)


def test_values_of_no_class(tmp_path):
    write_index_maps(tmp_path, {"a": MAP}, "names: [background, lung]\nexclusive: true\n")
    with pytest.raises(
        LabelError,
        match=r"a\.png: holds pixel values of no class: expected 0, 1, "
        r"got 2 in 4 pixels, 255 in 3 pixels",
    ):
        read_first(tmp_path)


def test_no_class_list(tmp_path):
    write_index_maps(tmp_path, {"a": MAP}, YAML)
    (tmp_path / "classes.yaml").unlink()
    with pytest.raises(ClassListError, match=r"labels: an index map needs a class list.*write cla"):
        open_labelled(tmp_path)


def test_sizes_that_differ(tmp_path):
    write_index_maps(tmp_path, {"a": MAP}, YAML)
    write_png(tmp_path / "labels" / "a.png", MAP.T.copy())
    with pytest.raises(LabelError, match=r"a\.png: .*expected 4 x 3 .*got 3 x 4"):
        read_first(tmp_path)


def test_unpaired(tmp_path):
    write_index_maps(tmp_path, {"a": MAP, "b": MAP}, YAML)
    (tmp_path / "labels" / "a.png").rename(tmp_path / "labels" / "c.png")
    with pytest.raises(
        DataError, match=r"1 image without label \(a\.png\) and 1 label without image \(c\.png\)"
    ):
        open_labelled(tmp_path)


def test_maps_that_are_no_png(tmp_path):
    write_index_maps(tmp_path, {"a": MAP}, YAML)
    write_png(tmp_path / "labels" / "b.tif", MAP)
    with pytest.raises(DataError, match=r"1 index map is no PNG: got b\.tif"):
        open_labelled(tmp_path)
