"""The contest's polygons."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts import write_blank, write_contest, write_json

from ensemble.bit_planes import empty_planes, get_mask, unpack
from ensemble.classes import HAND_BONES, ClassList
from ensemble.data.datasets import open_labelled
from ensemble.data.labels.contest import fill_polygon
from ensemble.errors import ClassListError, DataError, LabelError

SIZE = (40, 50)
TRIANGLE = [[5, 5], [30, 8], [12, 35]]
SQUARE = [[20, 20], [40, 20], [40, 30], [20, 30]]


def fill(points, size=SIZE):
    pixels = np.zeros(size, np.uint8)
    cv2.fillPoly(pixels, [np.array(points, np.int32)], 1)
    return pixels > 0


def test_polygons_of_a_class_are_united_and_classes_overlap(tmp_path):
    pairs = [("Ulna", TRIANGLE), ("finger-1", SQUARE), ("Ulna", SQUARE)]
    write_contest(tmp_path, {"ID001/image1_R": pairs, "ID002/b": []}, SIZE)
    labelled = open_labelled(tmp_path)
    assert labelled.layout == "contest"
    assert labelled.classes == HAND_BONES
    assert [sample.name for sample in labelled.samples] == ["ID001/image1_R.png", "ID002/b.png"]
    assert [sample.group for sample in labelled.samples] == ["ID001", "ID002"]
    masks = unpack(labelled.read_label(labelled.samples[0]).planes, 29)
    np.testing.assert_array_equal(masks[28], fill(TRIANGLE) | fill(SQUARE))
    np.testing.assert_array_equal(masks[0], fill(SQUARE))
    assert not masks[1:28].any()
    assert not labelled.read_label(labelled.samples[1], SIZE).planes.any()


points = st.lists(st.tuples(st.integers(-60, 90), st.integers(-60, 90)), min_size=3, max_size=9)


@given(points, st.sampled_from([0, 31, 32]))
def test_filling_a_box_equals_filling_the_image(polygon, class_index):
    planes = empty_planes(33, SIZE)
    fill_polygon(planes, class_index, np.array(polygon, np.int32))
    np.testing.assert_array_equal(get_mask(planes, class_index), fill(polygon))
    planes[class_index // 32] &= ~np.uint32(1 << class_index % 32)
    assert not planes.any()


@pytest.mark.parametrize(
    ("annotation", "match"),
    [
        ({"label": "Ulna"}, r"annotations\[1\]\.points: is missing"),
        ({"points": TRIANGLE}, r"annotations\[1\]\.label: is missing"),
        ({"label": "Ulna", "points": TRIANGLE[:2]}, r"annotations\[1\]\.points: .*at least 3"),
        ({"label": "Ulna", "points": [*TRIANGLE, [1]]}, r"annotations\[1\]\.points\[3\]"),
        ({"label": "Ulna", "points": [*TRIANGLE, [1, 2, 3]]}, r"annotations\[1\]\.points\[3\]"),
        (
            {"label": "Ulna", "points": [*TRIANGLE, [1, 2.5]]},
            r"\[3\]\[1\]: must be a whole number",
        ),
        (
            {"label": "Ulna", "points": [*TRIANGLE, [1, 2**40]]},
            r"\[3\]\[1\]: must be at most",
        ),
        ({"label": "Ulna", "points": TRIANGLE, "type": "bbox"}, r"\.type: .*'poly_seg'"),
    ],
)
def test_malformed_annotations(tmp_path, annotation, match):
    write_contest(tmp_path, {"a": [("Ulna", TRIANGLE)]}, SIZE)
    path = tmp_path / "outputs_json" / "a.json"
    content = json.loads(path.read_text())
    content["annotations"].append(annotation)
    write_json(path, content)
    with pytest.raises(LabelError, match=r"a\.json: .*" + match):
        open_labelled(tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"filename": "a.png"}', "[]", "\udcff"])
def test_malformed_files(tmp_path, text):
    write_contest(tmp_path, {"a": []}, SIZE)
    (tmp_path / "outputs_json" / "a.json").write_text(text, errors="surrogateescape")
    with pytest.raises(LabelError, match=r"a\.json: "):
        open_labelled(tmp_path)


def test_unpaired(tmp_path):
    write_contest(tmp_path, {f"ID{n}/x": [] for n in range(9)}, SIZE)
    for n in range(7):
        (tmp_path / "DCM" / f"ID{n}" / "x.png").unlink()
    (tmp_path / "outputs_json" / "ID8" / "x.json").unlink()
    with pytest.raises(
        DataError,
        match=r"1 image without label \(ID8/x\.png\) and 7 labels without image "
        r"\(ID0/x\.json, .*, ID4/x\.json and 2 more\)",
    ):
        open_labelled(tmp_path)


def test_other_labels_need_a_class_list(tmp_path):
    write_contest(tmp_path, {"a": [("thumb", TRIANGLE), ("palm", SQUARE)]}, SIZE)
    with pytest.raises(ClassListError, match=r"not the contest's 29 bones.*palm, thumb.*yaml"):
        open_labelled(tmp_path)
    (tmp_path / "classes.yaml").write_text("names: [thumb, palm]")
    assert open_labelled(tmp_path).classes == ClassList(names=("thumb", "palm"))


def test_unknown_classes(tmp_path):
    write_contest(tmp_path, {"a": [("thumb", TRIANGLE)], "b": [("palm", SQUARE)]}, SIZE)
    with pytest.raises(ClassListError, match=r"outputs_json: .*got palm, thumb"):
        open_labelled(tmp_path, classes=ClassList(names=("Ulna",)))


def test_images_without_labels_are_no_labelled_folder(tmp_path):
    write_blank(tmp_path / "DCM", {"ID1/a.png": SIZE})
    with pytest.raises(DataError, match=r"holds no labels that are known: .*got DCM"):
        open_labelled(tmp_path)
