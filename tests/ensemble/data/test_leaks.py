from __future__ import annotations

import numpy as np
import pytest
from layouts import write_blank

from ensemble.data.datasets import open_images
from ensemble.data.folds import hold_out
from ensemble.data.leaks import check_disjoint, check_folds
from ensemble.errors import DataError, ImageError

SIZE = (4, 5)


def test_parts_of_a_split_are_disjoint(hands, hand_folds):
    # every image here holds other noise
    for fold in range(3):
        train, val = hold_out(hands, hand_folds, fold)
        assert check_disjoint(train, val) is None
        with pytest.raises(DataError, match="2 groups lie in both"):
            check_disjoint(hands, val)


def test_a_person_on_both_sides(tmp_path):
    write_blank(tmp_path / "train", {"ID1/a.png": SIZE, "ID2/b.png": SIZE})
    write_blank(tmp_path / "val", {"ID3/b.png": (5, 5), "ID2/d.png": (5, 5)})
    with pytest.raises(DataError, match=r"1 group lies in both .*train and .*val: got ID2"):
        check_disjoint(open_images(tmp_path / "train"), open_images(tmp_path / "val"))


def test_the_same_stem_is_no_leak_but_the_same_bytes_are(tmp_path):
    write_blank(tmp_path / "train", {"a.png": SIZE})
    write_blank(tmp_path / "val", {"a.png": (5, 5)})
    train, val = open_images(tmp_path / "train"), open_images(tmp_path / "val")
    check_disjoint(train, val)
    (tmp_path / "val" / "b.png").write_bytes((tmp_path / "train" / "a.png").read_bytes())
    with pytest.raises(DataError, match=r"1 image lies in both .*train and .*val: got b\.png"):
        check_disjoint(train, open_images(tmp_path / "val"))


def test_a_link_to_nothing_on_either_side_is_said(tmp_path):
    write_blank(tmp_path / "train", {"a.png": SIZE})
    write_blank(tmp_path / "val", {"b.png": (5, 5)})
    train, val = open_images(tmp_path / "train"), open_images(tmp_path / "val")
    for folder in ("train", "val"):
        link = tmp_path / folder / "c.png"
        link.symlink_to(tmp_path / "gone.png")
        with pytest.raises(ImageError, match=r"c\.png: is a link to nothing"):
            check_disjoint(open_images(tmp_path / "train"), open_images(tmp_path / "val"))
        link.unlink()
    check_disjoint(train, val)


def test_one_image_in_two_folds_is_found_by_its_bytes(hands, hand_folds):
    check_folds(hands, hand_folds)
    here, there = (int(np.flatnonzero(hand_folds == fold)[0]) for fold in (0, 2))
    same = int(np.flatnonzero(hand_folds == 0)[1])
    original = hands.samples[here].image.read_bytes()
    hands.samples[same].image.write_bytes(original)
    check_folds(hands, hand_folds)

    hands.samples[there].image.write_bytes(original)

    names = [hands.samples[i].name for i in sorted((here, same, there))]
    with pytest.raises(DataError, match=rf"1 image lies in several folds .*{' and '.join(names)}"):
        check_folds(hands, hand_folds)
