"""Data at the edge of what can be told make a page all the same, without a warning."""

import numpy as np
import pytest
from layouts import write_index_maps, write_mask_folders, write_png

from ensemble.explore.exploration import explore
from ensemble.explore.notes import take_notes
from ensemble.explore.page import make_page
from ensemble.explore.tables import copy_table
from ensemble.report.page import write_page

NAMES = ["a", "b"]


def stacks(count, *, fill=0.0, size=(30, 40), num_classes=2):
    rng = np.random.default_rng(0)
    return {f"p{i:02d}": rng.random((num_classes, *size)) < fill for i in range(count)}


def page_of(folder, **options):
    found = explore(folder, **options)
    return write_page(folder / "out", make_page(found)).read_text(encoding="utf-8"), found


def write_table(folder, count):
    rows = "".join(f"p{i:02d},{20 + i},{'FM'[i % 2]}\n" for i in range(count))
    (folder / "metadata.csv").write_text(f"ID,age,sex\n{rows}")


@pytest.mark.parametrize("count", [1, 14])
def test_labels_without_a_single_pixel(tmp_path, count):
    write_mask_folders(tmp_path, NAMES, stacks(count))
    (tmp_path / "classes.yaml").write_text("names: [a, b]\nmirror_pairs: [[a, b]]\n")
    write_table(tmp_path, count)
    page, found = page_of(tmp_path)
    assert "Classes that no image has: a, b." in page
    assert found.labels.outliers == []
    assert len(found.labels.empty) == count


def test_full_masks_of_many_classes(tmp_path):
    names = [f"class {i}" for i in range(70)]
    masks = stacks(9, fill=1.1, size=(8, 9), num_classes=70)
    write_mask_folders(tmp_path, names, masks)
    page, found = page_of(tmp_path)
    assert (found.labels.counts.overlaps.share_of_smaller == 1).all()
    assert page.count('<th scope="row">') == 40
    assert "share more than 10 %" in page


def test_everything_is_ignored(tmp_path):
    maps = {f"i{i}": np.full((9, 8), 255, np.uint8) for i in range(9)}
    write_index_maps(tmp_path, maps, "names: [a, b]\nexclusive: true\nignore: 255\n")
    _, found = page_of(tmp_path)
    assert found.labels.counts.ignored_px.tolist() == [72] * 9
    assert not found.labels.shapes.area_share.any()


def test_flat_images_against_one_colour_image(tmp_path):
    for i in range(9):
        write_png(tmp_path / "flat" / f"p{i:02d}.png", np.full((20, 30), 40, np.uint8))
    colours = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    write_png(tmp_path / "one" / "x.png", colours)
    write_table(tmp_path, 3)
    page, found = page_of(tmp_path / "flat", against=tmp_path / "one")
    assert len(found.copies) == 36
    assert found.against.shift.auc is None
    assert "6 groups of images have no row" in page


def test_few_persons_have_no_relations(tmp_path):
    write_mask_folders(tmp_path, NAMES, stacks(5, fill=0.3))
    write_table(tmp_path, 5)
    page, found = page_of(tmp_path)
    assert all(np.isnan(relation.strength).all() for relation in found.persons.relations)
    assert all(np.isnan(relation.chance) for relation in found.persons.relations)
    assert "surely go with" not in page
    assert "is not told of 5 persons: that takes 10" in page
    assert "By chance the strongest" not in page
    assert not (tmp_path / "out" / "relations.csv").exists()


def test_a_copy_of_half_the_size_has_no_other_label(tmp_path):
    rng = np.random.default_rng(0)
    small = np.kron(rng.integers(0, 255, (16, 20)), np.ones((4, 4))).astype(np.uint8)
    mask = np.zeros((64, 80), np.uint8)
    mask[10:40, 20:60] = 255
    for stem, factor in (("whole", 2), ("half", 1)):
        block = np.ones((factor, factor), np.uint8)
        write_png(tmp_path / "images" / f"{stem}.png", np.kron(small, block))
        write_png(tmp_path / "masks" / "a" / f"{stem}.png", np.kron(mask, block))
    _, found = page_of(tmp_path)
    assert len(found.copies) == 1
    assert found.labels_agree(found.copies[0]) is None
    assert not any("labelled differently" in note.text for note in take_notes(found))
    assert copy_table(found).rows[0][7] == ""


def test_images_of_background_alone_are_empty_and_not_equal(tmp_path):
    maps = {f"i{i}": np.zeros((30, 40), np.uint8) for i in range(4)}
    maps["i0"][5:20, 5:20] = maps["i3"][5:20, 5:20] = 1
    write_index_maps(tmp_path, maps, "names: [background, bone]\nexclusive: true\n")
    _, found = page_of(tmp_path)
    assert found.labels.empty == [1, 2]
    assert found.labels.equal_labels == [(0, 3)]
