"""Opening data folders: layouts, pairs, classes, groups."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import (
    write_blank,
    write_coco,
    write_contest,
    write_index_maps,
    write_mask_folders,
    write_png,
    write_rle_csv,
)

from ensemble.bit_planes import unpack
from ensemble.classes import ClassList
from ensemble.data.datasets import labelled_folders, open_images, open_labelled
from ensemble.errors import ClassListError, ConfigError, DataError, LabelError
from strategies import mask_stacks

NUCLEI = Path(__file__).parents[4] / "shared" / "data" / "nuclei"
SIZE = (6, 9)
NAMES = ["left", "right"]


def stack(*boxes):
    masks = np.zeros((len(boxes), *SIZE), bool)
    for mask, box in zip(masks, boxes, strict=True):
        mask[box] = True
    return masks


MASKS = {
    "a": stack(np.s_[1:3, 2:5], np.s_[2:4, 3:9]),
    "b": stack(np.s_[0:0], np.s_[:, :]),
    "손.v1 ü": stack(np.s_[0:0], np.s_[5:, 8:]),
}
WRITERS = {
    "mask folders": write_mask_folders,
    "RLE CSV": write_rle_csv,
    "COCO": lambda *args: write_coco(*args, compressed=True),
}


def read_all(labelled):
    return {
        Path(sample.name).stem: unpack(labelled.read_label(sample).planes, len(labelled.classes))
        for sample in labelled.samples
    }


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for stem, masks in expected.items():
        np.testing.assert_array_equal(found[stem], masks, err_msg=stem)


@pytest.mark.parametrize("layout", WRITERS)
def test_overlapping_layouts_read_the_same(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, MASKS)
    labelled = open_labelled(tmp_path)
    assert labelled.layout == layout
    assert labelled.classes == ClassList(names=("left", "right"))
    assert [sample.name for sample in labelled.samples] == ["a.png", "b.png", "손.v1 ü.png"]
    assert [sample.group for sample in labelled.samples] == ["a", "b", "손.v1 ü"]
    assert_equal(read_all(labelled), MASKS)
    assert_equal(read_all(pickle.loads(pickle.dumps(labelled))), MASKS)


@settings(max_examples=25)
@given(mask_stacks(), st.booleans())
def test_any_masks_come_back_from_every_layout(masks_of_x, compressed):
    masks = {"x": masks_of_x}
    names = [f"class {index}" for index in range(len(masks_of_x))]
    classes = ClassList(names=tuple(names))
    for write in (
        write_mask_folders,
        write_rle_csv,
        lambda *args: write_coco(*args, compressed=compressed),
    ):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), names, masks)
            assert_equal(read_all(open_labelled(Path(folder), classes=classes)), masks)


@settings(max_examples=25)
@given(mask_stacks())
def test_any_exclusive_masks_come_back_from_an_index_map(masks):
    masks[0] |= ~masks.any(0)
    index = masks.argmax(0)
    values = 3 * np.arange(len(masks)) + 200
    yaml = f"names: {[f'c{i}' for i in range(len(masks))]}\nexclusive: true\n"
    expected = {"x": index == np.arange(len(masks))[:, None, None]}
    with tempfile.TemporaryDirectory() as folder:
        maps = {"x": values[index].astype(np.uint16)}
        write_index_maps(Path(folder), maps, yaml + f"values: {values.tolist()}\n")
        assert_equal(read_all(open_labelled(Path(folder))), expected)


def test_a_label_needs_no_image_when_the_size_is_known(tmp_path):
    write_mask_folders(tmp_path, NAMES, MASKS)
    labelled = open_labelled(tmp_path)
    labelled.samples[0].image.unlink()
    assert labelled.read_label(labelled.samples[0], SIZE).size == SIZE


def test_labelled_folders_lie_directly_in_a_folder(tmp_path):
    for place in ("val", "train", "deep/train"):
        (tmp_path / place / "images").mkdir(parents=True)
        (tmp_path / place / "masks").mkdir()
    (tmp_path / "test" / "images").mkdir(parents=True)
    (tmp_path / "metadata.csv").write_text("ID\n")
    assert labelled_folders(tmp_path) == [tmp_path / "train", tmp_path / "val"]
    assert labelled_folders(tmp_path / "train") == []


def test_subset(tmp_path):
    write_mask_folders(tmp_path, NAMES, MASKS)
    labelled = open_labelled(tmp_path).subset([2, 0])
    assert [sample.name for sample in labelled.samples] == ["손.v1 ü.png", "a.png"]
    assert_equal(read_all(labelled), {stem: MASKS[stem] for stem in ("손.v1 ü", "a")})


# --- layouts


def test_two_labellings(tmp_path):
    write_mask_folders(tmp_path, NAMES, MASKS)
    (tmp_path / "labels.csv").touch()
    with pytest.raises(DataError, match=r"more than one way.*masks/<class>/.* and .*labels\.csv"):
        open_labelled(tmp_path)


def test_contest_beside_another_layout(tmp_path):
    write_mask_folders(tmp_path, NAMES, MASKS)
    write_contest(tmp_path, {"a": []}, SIZE)
    for open_folder in (open_labelled, open_images):
        with pytest.raises(DataError, match=r"more than one way"):
            open_folder(tmp_path)


@pytest.mark.parametrize("extra", ["pictures/a.png", None])
def test_no_labelling(tmp_path, extra):
    if extra:
        write_blank(tmp_path, {extra: SIZE})
    with pytest.raises(DataError) as caught:
        open_labelled(tmp_path)
    for words in (
        "outputs_json/**.json",
        "masks/<class>/<stem>.png",
        "labels/<stem>.png",
        "labels.csv",
        "annotations.json",
        "pictures" if extra else "an empty folder",
    ):
        assert words in str(caught.value)


def test_missing_folder(tmp_path):
    for open_folder in (open_labelled, open_images):
        with pytest.raises(DataError, match=r"cannot be listed: No such file .* this is /"):
            open_folder(tmp_path / "gone")


def test_labels_without_any_image(tmp_path):
    write_mask_folders(tmp_path, NAMES, {})
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match="images: holds no image"):
        open_labelled(tmp_path)


# --- images alone


def names_of(folder):
    return [sample.name for sample in open_images(folder).samples]


@pytest.mark.parametrize("layout", WRITERS)
def test_a_labelled_folder_gives_its_images(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, MASKS)
    assert names_of(tmp_path) == ["a.png", "b.png", "손.v1 ü.png"]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["DCM/ID1/a.png", "DCM/ID2/b.png"], ["ID1/a.png", "ID2/b.png"]),
        (["images/a.png"], ["a.png"]),
        (["images/a.png", "b.png"], ["b.png", "images/a.png"]),
        (["x/a.png", "y/a.jpg"], ["x/a.png", "y/a.jpg"]),
        (["a.png", "a.jpg", "__MACOSX/a.png"], ["a.jpg", "a.png"]),
    ],
)
def test_any_folder_of_images(tmp_path, files, names):
    write_blank(tmp_path, dict.fromkeys(files, SIZE))
    assert names_of(tmp_path) == names


def test_no_image(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DataError, match="holds no image"):
        open_images(tmp_path)


# --- groups


GROUPED = {"ID1/a_L.png": SIZE, "ID1/b_R.png": SIZE, "ID2/x/c_L.png": SIZE, "d_R.png": SIZE}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (None, ["ID1", "ID1", "ID2/x", "d_R"]),
        (r"_([LR])\.", ["L", "R", "L", "R"]),
        (r"[LR]\.png", ["L.png", "R.png", "L.png", "R.png"]),
        (r"ID\d|d(_)R", ["ID1", "ID1", "ID2", "_"]),
    ],
)
def test_groups(tmp_path, groups, expected):
    write_blank(tmp_path, GROUPED)
    assert [sample.group for sample in open_images(tmp_path, groups=groups).samples] == expected


def test_groups_that_do_not_match(tmp_path):
    write_blank(tmp_path, GROUPED)
    with pytest.raises(DataError, match=r"1 of 4 image names do not match.*got d_R\.png"):
        open_images(tmp_path, groups=r"ID\d")


def test_groups_that_are_no_expression(tmp_path):
    write_blank(tmp_path, GROUPED)
    with pytest.raises(ConfigError, match="groups is no regular expression"):
        open_images(tmp_path, groups="(")


# --- pairs


def test_images_of_one_stem_would_share_a_label(tmp_path):
    write_mask_folders(tmp_path, NAMES, MASKS)
    write_blank(tmp_path / "images", {"a.tif": SIZE})
    with pytest.raises(DataError, match=r"1 pair of images .*a\.png and a\.tif"):
        open_labelled(tmp_path)


@pytest.mark.parametrize("layout", ["RLE CSV", "COCO"])
def test_images_of_one_stem_are_told_apart_by_whole_names(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, MASKS)
    write_blank(tmp_path / "images", {"a.tif": SIZE})
    with pytest.raises(DataError, match=r"1 image without label \(a\.tif\)"):
        open_labelled(tmp_path)


@pytest.mark.parametrize("layout", ["RLE CSV", "COCO"])
def test_unpaired_images(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, MASKS)
    (tmp_path / "images" / "b.png").rename(tmp_path / "images" / "c.png")
    with pytest.raises(
        DataError,
        match=r"1 image without label \(c\.png\) and 1 label without image \(b\.png\)",
    ):
        open_labelled(tmp_path)


@pytest.mark.parametrize("layout", ["RLE CSV", "COCO"])
def test_base_names_that_several_images_have(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, {"a": MASKS["a"]})
    (tmp_path / "images" / "a.png").unlink()
    write_blank(tmp_path / "images", {"x/a.png": SIZE, "y/a.png": SIZE})
    with pytest.raises(DataError, match=r"1 image name fits several images: got a\.png"):
        open_labelled(tmp_path)


@pytest.mark.parametrize("layout", ["RLE CSV", "COCO"])
@pytest.mark.parametrize("name", ["a.png", "x/a.png"])
def test_nested_images_by_base_name_or_path(tmp_path, layout, name):
    WRITERS[layout](tmp_path, NAMES, {name.removesuffix(".png"): MASKS["a"]})
    (tmp_path / "images" / name).unlink()
    write_blank(tmp_path / "images", {"x/a.png": SIZE})
    assert_equal(read_all(open_labelled(tmp_path)), {"a": MASKS["a"]})


def test_an_image_under_two_names(tmp_path):
    write_blank(tmp_path / "images", {"x/a.png": SIZE})
    (tmp_path / "labels.csv").write_text("image_name,class,rle\na.png,c,\nx/a.png,c,1 2\n")
    with pytest.raises(DataError, match=r"1 image is listed under two names: got x/a\.png"):
        open_labelled(tmp_path)


def test_letters_with_accents_in_two_pieces_are_the_same(tmp_path):
    write_blank(tmp_path / "images", {"gro\u0308\u00dfe.png": SIZE})
    mask = np.full(SIZE, 255, np.uint8)
    write_png(tmp_path / "masks" / "Fla\u0308che" / "gr\u00f6\u00dfe.png", mask)
    labelled = open_labelled(tmp_path, classes=ClassList(names=("Fl\u00e4che",)))
    assert labelled.read_label(labelled.samples[0]).planes.all()


# --- classes


@pytest.mark.parametrize("layout", WRITERS)
def test_classes_yaml_above_gives_the_order(tmp_path, layout):
    (tmp_path / "val").mkdir()
    WRITERS[layout](tmp_path / "val", NAMES, MASKS)
    (tmp_path / "classes.yaml").write_text("names: [right, other, left]\n")
    labelled = open_labelled(tmp_path / "val")
    assert labelled.classes.names == ("right", "other", "left")
    found = read_all(labelled)["a"]
    np.testing.assert_array_equal(found[[2, 0]], MASKS["a"])
    assert not found[1].any()


@pytest.mark.parametrize("layout", WRITERS)
def test_the_argument_beats_the_file(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, MASKS)
    (tmp_path / "classes.yaml").write_text("names: [nothing]\n")
    classes = ClassList(names=("right", "left"))
    assert open_labelled(tmp_path, classes=classes).classes == classes


@pytest.mark.parametrize("layout", WRITERS)
def test_every_unknown_class_is_named(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, MASKS)
    with pytest.raises(ClassListError, match=r"unknown classes: .*one of up, got left, right"):
        open_labelled(tmp_path, classes=ClassList(names=("up",)))


# --- exclusive classes


@pytest.mark.parametrize("layout", WRITERS)
def test_background_takes_what_is_left(tmp_path, layout):
    masks = {"a": stack(np.s_[1:3, 2:5], np.s_[4:, 3:9])}
    WRITERS[layout](tmp_path, NAMES, masks)
    names = ("background", *NAMES)
    labelled = open_labelled(tmp_path, classes=ClassList(names=names, exclusive=True))
    expected = np.concatenate([~masks["a"].any(0)[None], masks["a"]])
    assert_equal(read_all(labelled), {"a": expected})


@pytest.mark.parametrize("layout", WRITERS)
def test_exclusive_classes_without_background_leave_no_pixel(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, {"a": stack(np.s_[:3, :], np.s_[3:, 1:])})
    labelled = open_labelled(tmp_path, classes=ClassList(names=tuple(NAMES), exclusive=True))
    with pytest.raises(LabelError, match=r"a\.png: 3 pixels have no class.*'background'"):
        labelled.read_label(labelled.samples[0])


@pytest.mark.parametrize("layout", WRITERS)
def test_exclusive_classes_do_not_overlap(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, {"a": stack(np.s_[:4, :], np.s_[3:, :])})
    labelled = open_labelled(tmp_path, classes=ClassList(names=tuple(NAMES), exclusive=True))
    with pytest.raises(LabelError, match=r"a\.png: 9 pixels have two classes or more"):
        labelled.read_label(labelled.samples[0])


# --- sizes


@pytest.mark.parametrize("layout", ["mask folders", "COCO"])
def test_sizes_that_differ(tmp_path, layout):
    WRITERS[layout](tmp_path, NAMES, {"a": MASKS["a"]})
    write_blank(tmp_path / "images", {"a.png": (9, 6)})
    labelled = open_labelled(tmp_path)
    with pytest.raises(LabelError, match=r"differ in size: expected 6 x 9 .*got 9 x 6"):
        labelled.read_label(labelled.samples[0])


@pytest.mark.nuclei
@pytest.mark.skipif(not NUCLEI.is_dir(), reason="the set of real images is not beside the checkout")
@pytest.mark.parametrize(("part", "count"), [("train", 65), ("val", 21), ("test", 22)])
def test_nuclei(part, count):
    labelled = open_labelled(NUCLEI / part)
    assert labelled.layout == "mask folders"
    assert labelled.classes.names == ("nucleus",)
    assert len(labelled.samples) == count
    for sample in labelled.samples:
        label = labelled.read_label(sample)
        assert 0 < np.count_nonzero(label.planes) < label.planes.size
