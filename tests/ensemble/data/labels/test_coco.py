"""COCO's polygons and run lengths."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from layouts import write_blank, write_coco, write_json
from pycocotools import mask as coco_mask

from ensemble.bit_planes import unpack
from ensemble.data.datasets import open_labelled
from ensemble.errors import DataError, LabelError

SIZE = (30, 42)
TRIANGLE = [3.5, 2.0, 30.25, 4.0, 11.0, 27.9]
OUTSIDE = [-8.0, 20.0, 60.0, 21.0, 50.0, 70.0, -5.0, 40.0]
CONTENT = {
    "images": [{"id": 5, "file_name": "a.png", "height": SIZE[0], "width": SIZE[1]}],
    "categories": [{"id": 9, "name": "z"}, {"id": 2, "name": "b"}],
    "annotations": [
        {"id": 1, "image_id": 5, "category_id": 9, "segmentation": [TRIANGLE, OUTSIDE]},
        {"id": 2, "image_id": 5, "category_id": 9, "segmentation": [[1, 1, 9, 1, 9, 5, 1, 5]]},
    ],
}


def draw(*polygons):
    encoded = coco_mask.frPyObjects([list(map(float, p)) for p in polygons], *SIZE)
    return coco_mask.decode(coco_mask.merge(encoded)) > 0


def open_content(folder, content):
    write_blank(folder / "images", {"a.png": SIZE})
    write_json(folder / "annotations.json", content)
    return open_labelled(folder)


def changed(key, index, **values):
    content = copy.deepcopy(CONTENT)
    content[key][index] |= values
    return content


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_polygons_by_the_rule_of_pycocotools(tmp_path):
    labelled = open_content(tmp_path, CONTENT)
    assert labelled.classes.names == ("b", "z")
    masks = unpack(labelled.read_label(labelled.samples[0]).planes, 2)
    assert not masks[0].any()
    expected = draw(TRIANGLE, OUTSIDE, [1, 1, 9, 1, 9, 5, 1, 5])
    np.testing.assert_array_equal(masks[1], expected)


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": list(SIZE), "counts": [5, 3]},
        {"size": list(SIZE), "counts": [0, SIZE[0] * SIZE[1] + 1]},
        {"size": list(SIZE), "counts": [2**70]},
        {"size": list(SIZE), "counts": ""},
        {"size": list(SIZE), "counts": "P"},
        {"size": list(SIZE), "counts": "한"},
        {"size": list(SIZE), "counts": "PPPPPPPPPP0"},
        {"size": [SIZE[1], SIZE[0]], "counts": [0, SIZE[0] * SIZE[1]]},
    ],
)
def test_malformed_run_lengths(tmp_path, segmentation):
    labelled = open_content(tmp_path, changed("annotations", 1, segmentation=segmentation))
    with pytest.raises(LabelError, match=r"annotations\.json: annotations\[1\]: "):
        labelled.read_label(labelled.samples[0])


@pytest.mark.parametrize(
    ("segmentation", "match"),
    [
        ([], r": must have at least 1 entry, got \[\]"),
        ([[1, 1, 5, 5]], r"\[0\]: must have at least 6 entries, got \[1, 1, 5, 5\]"),
        ([[*TRIANGLE, 4]], r"\[0\]: must hold x, y pairs, but has 7 numbers"),
        ([[1, 1, 5, "x", 3, 3]], r"\[0\]\[3\]: must be a number, got 'x'"),
        (None, ": must be a list, got nothing"),
        ({"size": [3, 3]}, r"\.counts: is missing"),
        ({"size": [3, 3], "counts": [1, -1]}, r"\.counts\[1\]: must be at least 0, got -1"),
        ({"size": [3, 3], "counts": 5}, r"\.counts: must be text or a list, got 5"),
    ],
)
def test_malformed_annotations(tmp_path, segmentation, match):
    content = changed("annotations", 1, segmentation=segmentation)
    with pytest.raises(LabelError, match=rf"annotations\[1\]\.segmentation{match}$"):
        open_content(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (changed("annotations", 1, image_id=6), r"unknown image_id: got annotations\[1\]: 6"),
        (changed("annotations", 0, category_id=3), r"unknown category_id: got annotations\[0\]: 3"),
        (changed("categories", 0, id=2), "categories holds the same entry twice: got id 2"),
        (changed("categories", 0, name="b"), "categories holds the same entry twice: got b"),
        ({**CONTENT, "images": CONTENT["images"] * 2}, "images holds the same .*: got id 5, a.png"),
        ({"images": []}, "categories: is missing\n.*annotations: is missing$"),
    ],
)
def test_contradictions(tmp_path, content, match):
    with pytest.raises(DataError, match=r"annotations\.json: .*" + match):
        open_content(tmp_path, content)


def test_an_image_without_annotation_is_empty(tmp_path):
    labelled = open_content(tmp_path, {**CONTENT, "annotations": []})
    assert not labelled.read_label(labelled.samples[0]).planes.any()


def test_stated_sizes_are_checked(tmp_path):
    labelled = open_content(tmp_path, changed("images", 0, height=31))
    with pytest.raises(LabelError, match=r"a\.png: .*expected 42 x 30 .*got 42 x 31"):
        labelled.read_label(labelled.samples[0])


@pytest.mark.parametrize("compressed", [True, False])
def test_both_kinds_of_run_lengths(tmp_path, compressed):
    masks = np.random.default_rng(0).random((2, *SIZE)) < 0.3
    write_coco(tmp_path, ["p", "q"], {"a": masks}, compressed=compressed)
    labelled = open_labelled(tmp_path)
    np.testing.assert_array_equal(unpack(labelled.read_label(labelled.samples[0]).planes, 2), masks)
