import json

import cv2
import numpy as np
import pytest
from layouts import (
    write_coco,
    write_contest,
    write_index_maps,
    write_json,
    write_mask_folders,
    write_png,
    write_rle_csv,
)

import reference
from ensemble.data.datasets import open_folder
from ensemble.errors import DataError
from ensemble.explore.survey import survey

NAMES = ["one", "두번째", "three"]
STEMS = ["가/왼쪽", "가/오른쪽", "b/x"]


@pytest.fixture
def masks():
    rng = np.random.default_rng(0)
    return {stem: rng.random((3, 20 + i, 31 - i)) < 0.3 for i, stem in enumerate(STEMS)}


def exclusive(masks):
    """Each pixel of the first class that has it, else of the last."""
    return {stem: np.where(m[0], 0, np.where(m[1], 1, 2)) for stem, m in masks.items()}


def levels(folder, name):
    return cv2.imdecode(np.fromfile(folder / name, np.uint8), cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize("layout", ["mask folders", "RLE CSV", "COCO"])
def test_every_layout_is_counted_as_its_masks_are(tmp_path, masks, layout):
    write = {
        "mask folders": write_mask_folders,
        "RLE CSV": write_rle_csv,
        "COCO": lambda *args: write_coco(*args, compressed=True),
    }[layout]
    write(tmp_path, NAMES, masks)
    (tmp_path / "classes.yaml").write_text(f"names: {json.dumps(NAMES)}", encoding="utf-8")
    found = survey(tmp_path, open_folder(tmp_path))
    assert [sample.name for sample in found.samples] == sorted(f"{s}.png" for s in STEMS)
    for i, sample in enumerate(found.samples):
        own = masks[sample.name.removesuffix(".png")]
        expected = reference.label_sums(own, levels(tmp_path / "images", sample.name))
        assert (found.labels.sums[i] == expected).all()
        assert found.looks.size[i].tolist() == list(own.shape[1:])


@pytest.mark.parametrize("ignore", [None, 9])
def test_index_maps_are_counted_without_what_is_ignored(tmp_path, masks, ignore):
    maps = {stem: m.astype(np.uint8) for stem, m in exclusive(masks).items()}
    yaml = f"names: {json.dumps(NAMES)}\nexclusive: true\n"
    if ignore is not None:
        yaml += f"ignore: {ignore}\n"
        maps["b/x"][:5] = ignore
    write_index_maps(tmp_path, maps, yaml)
    found = survey(tmp_path, open_folder(tmp_path))
    for i, sample in enumerate(found.samples):
        own = maps[sample.name.removesuffix(".png")]
        areas = [(own == c).sum() for c in range(3)]
        assert found.labels.sums[i, :, 0].tolist() == areas
        assert found.labels.ignored_px[i] == own.size - sum(areas)
    assert found.labels.several_px.sum() == 0


def test_faults_of_polygons_come_with_the_image(tmp_path):
    square = [[2, 2], [2, 8], [8, 8], [8, 2]]
    polygons = {
        "ID1/a": [("Ulna", square), ("Ulna", square)],
        "ID1/b": [("Ulna", [[0, 0], [5, 0], [30, 5]])],
    }
    write_contest(tmp_path, polygons, (20, 30))
    found = survey(tmp_path, open_folder(tmp_path))
    assert [(i, f.kind, f.place) for i, f in found.labels.polygon_faults] == [
        (0, "stated twice", "annotations[1]"),
        (1, "out of bounds", "annotations[0]"),
    ]


def test_polygons_of_coco_end_at_the_side(tmp_path):
    write_png(tmp_path / "images" / "a.png", np.zeros((10, 20), np.uint8))
    rings = [[0, 0, 20, 0, 20, 10], [0, 0, 20.5, 0, 20, 10]]
    annotation = {"image_id": 0, "category_id": 0, "segmentation": rings}
    write_json(
        tmp_path / "annotations.json",
        {
            "images": [{"id": 0, "file_name": "a.png"}],
            "categories": [{"id": 0, "name": "c"}],
            "annotations": [annotation],
        },
    )
    ((_, fault),) = survey(tmp_path, open_folder(tmp_path)).labels.polygon_faults
    assert (fault.kind, fault.detail) == ("out of bounds", "1 of 3 points, by up to 0.5 px")


def test_images_without_labels_are_looked_at(tmp_path):
    write_png(tmp_path / "a.png", np.zeros((10, 20), np.uint8))
    write_png(tmp_path / "b.tif", np.full((30, 20), 65535, np.uint16))
    found = survey(tmp_path, open_folder(tmp_path))
    assert found.labels is None
    assert found.looks.depth_bits.tolist() == [8, 16]
    assert found.looks.mean.tolist() == [0, 1]
    assert found.looks.num_bytes.tolist() == [
        sample.image.stat().st_size for sample in found.samples
    ]


def test_what_cannot_be_read_is_listed_and_left_out(tmp_path, masks):
    write_mask_folders(tmp_path, NAMES, masks)
    broken = tmp_path / "images" / "b" / "x.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:100])
    write_png(tmp_path / "masks" / "one" / "가" / "왼쪽.png", np.ones((3, 3), np.uint8))
    progress = []
    found = survey(tmp_path, open_folder(tmp_path), progress=counting(progress))
    assert [sample.name for sample in found.samples] == ["가/오른쪽.png"]
    assert len(found.looks) == len(found.labels.sums) == 1
    assert {fault.name: fault.message for fault in found.faults}.keys() == {
        "b/x.png",
        "가/왼쪽.png",
    }
    assert any("cut off" in fault.message for fault in found.faults)
    assert progress == [f"reading {tmp_path}", 3, 1, 1, 1]
    (tmp_path / "images" / "가" / "오른쪽.png").write_bytes(b"")
    with pytest.raises(DataError, match="no image can be read"):
        survey(tmp_path, open_folder(tmp_path))


def test_the_number_of_threads_changes_nothing(tmp_path, masks):
    write_mask_folders(tmp_path, NAMES, masks)
    one, four = (survey(tmp_path, open_folder(tmp_path), threads=threads) for threads in (1, 4))
    assert (one.labels.sums == four.labels.sums).all()
    as_they_are = np.zeros(len(one.samples), bool)
    covers = [found.labels.mean_cover(as_they_are) for found in (one, four)]
    np.testing.assert_array_equal(*covers)
    assert (one.looks.thumbnail == four.looks.thumbnail).all()


def counting(heard):
    from contextlib import contextmanager

    @contextmanager
    def progress(task, total):
        heard.extend([task, total])
        yield heard.append

    return progress
