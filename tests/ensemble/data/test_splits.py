"""Folds that keep people whole, their file, and leaks between parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts import write_blank, write_mask_folders

from ensemble.data.datasets import open_images, open_labelled
from ensemble.data.splits import (
    SplitPart,
    check_disjoint,
    grouped_folds,
    hold_out,
    read_split,
    read_split_of,
    stratified_folds,
    write_split,
)
from ensemble.errors import ConfigError, DataError, ImageError, OutputError

SIZE = (4, 5)
people = st.lists(st.integers(0, 12).map(lambda number: f"ID{number}"), min_size=1, max_size=60)


@given(people, st.integers(2, 6), st.integers(0, 2**32))
def test_folds_hold_whole_groups_and_are_level(groups, num_folds, seed):
    if len(set(groups)) < num_folds:
        with pytest.raises(DataError, match="fewer groups than folds"):
            grouped_folds(groups, num_folds, seed)
        return
    folds = grouped_folds(groups, num_folds, seed)
    assert len({(g, f) for g, f in zip(groups, folds.tolist(), strict=True)}) == len(set(groups))
    images = np.bincount(folds, minlength=num_folds)
    assert images.min() > 0
    # the last group that the fullest fold got found it the emptiest
    assert images.max() - images.min() <= max(groups.count(group) for group in groups)


@given(people, st.randoms(use_true_random=False), st.integers(0, 9))
def test_folds_do_not_depend_on_the_order_of_images(groups, random, seed):
    if len(set(groups)) < 2:
        return
    shuffled = groups.copy()
    random.shuffle(shuffled)
    first = dict(zip(groups, grouped_folds(groups, 2, seed).tolist(), strict=True))
    assert dict(zip(shuffled, grouped_folds(shuffled, 2, seed).tolist(), strict=True)) == first


@given(people, st.integers(2, 6), st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_stratified_folds_hold_whole_groups_whatever_their_order(groups, num_folds, seed, random):
    traits = np.random.default_rng(seed).random((len(groups), 3)) < 0.3
    if len(set(groups)) < num_folds:
        with pytest.raises(DataError, match="fewer groups than folds"):
            stratified_folds(groups, traits, num_folds, seed)
        return
    folds = stratified_folds(groups, traits, num_folds, seed)
    first = dict(zip(groups, folds.tolist(), strict=True))
    assert [first[group] for group in groups] == folds.tolist()
    assert set(folds.tolist()) == set(range(num_folds))
    order = list(range(len(groups)))
    random.shuffle(order)
    again = stratified_folds([groups[i] for i in order], traits[order], num_folds, seed)
    assert again.tolist() == folds[order].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_every_fold_has_its_share_of_every_trait(seed):
    """100 people with two images each, a tenth of them bent, half female: as in the contest."""
    groups = [f"ID{i // 2}" for i in range(200)]
    person = np.arange(200) // 2
    traits = np.stack([person % 10 == 0, person % 2 == 0, person % 2 == 1], axis=1)
    traits = np.column_stack([traits, np.arange(200) % 2 == 0])
    folds = stratified_folds(groups, traits, 5, seed)
    shares = np.array([[traits[folds == f, k].sum() for f in range(5)] for k in range(4)])
    assert (np.bincount(folds) == 40).all()
    np.testing.assert_array_equal(shares, [[4] * 5, [20] * 5, [20] * 5, [20] * 5])
    drawn = grouped_folds(groups, 5, seed)
    assert np.ptp([traits[drawn == f, 0].sum() for f in range(5)]) > 0


def test_pairs_of_hands_fill_folds_evenly():
    groups = [f"ID{n // 2:03}" for n in range(800)]
    assert np.bincount(grouped_folds(groups, 5, 0)).tolist() == [160] * 5


def test_large_groups_are_placed_first():
    groups = ["large"] * 10 + [f"small {n}" for n in range(10)]
    for seed in range(20):
        assert np.bincount(grouped_folds(groups, 2, seed)).tolist() == [10, 10]


def test_the_seed_decides():
    groups = [f"ID{n}" for n in range(40)]
    first = grouped_folds(groups, 4, 1)
    np.testing.assert_array_equal(first, grouped_folds(groups, 4, 1))
    assert (first != grouped_folds(groups, 4, 2)).any()


def test_one_fold_is_no_split():
    with pytest.raises(ConfigError, match="two folds or more: got 1"):
        grouped_folds(["a", "b"], 1, 0)


@pytest.fixture
def hands(tmp_path):
    names = [f"ID{n}/{side}" for n in range(6) for side in "LR"]
    write_mask_folders(
        tmp_path / "data", ["c"], {name: np.ones((1, *SIZE), bool) for name in names}
    )
    return open_labelled(tmp_path / "data")


def test_train_and_val_are_views(hands):
    train, val = hold_out(hands, folds_of(hands), 1)
    assert (len(train.samples), len(val.samples)) == (8, 4)
    assert {s.group for s in train.samples}.isdisjoint(s.group for s in val.samples)
    assert sorted(s.name for s in (*train.samples, *val.samples)) == [s.name for s in hands.samples]
    assert val.read_label(val.samples[0]).planes.all()


def test_no_such_fold(hands):
    with pytest.raises(ConfigError, match="no such fold: expected one of 0, 1, 2, got 3"):
        hold_out(hands, folds_of(hands), 3)


# --- the file


def folds_of(labelled):
    return grouped_folds([sample.group for sample in labelled.samples], 3, 0)


def part_of(labelled, folder="train"):
    return SplitPart(folder, labelled.samples, folds_of(labelled))


def test_a_split_comes_back(hands, tmp_path):
    path = tmp_path / "new" / "split.csv"
    write_split(path, [part_of(hands)])
    assert path.read_text(encoding="utf-8").splitlines()[:2] == [
        "folder,image,group,fold",
        f"train,ID0/L.png,ID0,{folds_of(hands)[0]}",
    ]
    np.testing.assert_array_equal(read_split(path, "train", hands.samples), folds_of(hands))
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *reversed(lines[1:])]), encoding="utf-8-sig")
    np.testing.assert_array_equal(read_split(path, "train", hands.samples), folds_of(hands))
    assert [p.name for p in path.parent.iterdir()] == ["split.csv"]


def test_one_name_in_two_folders_is_two_images(hands, tmp_path):
    path = tmp_path / "split.csv"
    write_split(path, [part_of(hands), part_of(hands, "val")])
    assert len(set(path.read_text(encoding="utf-8").splitlines())) == 1 + 2 * len(hands.samples)
    with pytest.raises(DataError, match=r"12 images that are not there \(val: ID0/L\.png, "):
        read_split(path, "train", hands.samples)


@pytest.mark.parametrize("named", ["train", "data/train", "./train", "../data/train"])
def test_a_folder_finds_its_rows_beside_those_of_others(hands, tmp_path, named):
    path = tmp_path / "split.csv"
    folds = (folds_of(hands) + 1) % 3
    others = [part_of(hands, "val"), part_of(hands, "other/train")]
    write_split(path, [*others, SplitPart(named, hands.samples, folds)])
    found = read_split_of(path, Path("somewhere/data/train"), hands.samples)
    np.testing.assert_array_equal(found, folds)
    with pytest.raises(DataError, match=r"split\.csv: says nothing of here: expected one of val, "):
        read_split_of(path, Path("here"), hands.samples)
    renamed = [replace(sample, name=f"x/{sample.name}") for sample in hands.samples]
    with pytest.raises(DataError, match="12 images without fold"):
        read_split_of(path, Path("val"), renamed)


def test_the_longest_name_that_fits_is_meant(hands, tmp_path):
    path = tmp_path / "split.csv"
    folds = (folds_of(hands) + 1) % 3
    write_split(path, [part_of(hands), SplitPart("data/train", hands.samples, folds)])
    found = read_split_of(path, Path("data/train"), hands.samples)
    np.testing.assert_array_equal(found, folds)
    np.testing.assert_array_equal(
        read_split_of(path, Path("train"), hands.samples), folds_of(hands)
    )


def test_a_split_that_cannot_be_written(hands, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"split\.csv: cannot be written"):
        write_split(tmp_path / "file" / "split.csv", [part_of(hands)])


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("folder,image,group", "image,group", "is no split: expected the header folder,image,"),
        ("ID0/L.png,ID0,", "ID0/L.png,ID0,x", "row 2 is malformed"),
        ("ID0/L.png,ID0,", "ID0/L.png,ID0,0,", "row 2 is malformed"),
        ("ID0/L.png,ID0,", f"ID0/L.png,ID0,{'1' * 20}", "row 2 is malformed"),
        ("ID0/L.png", "ID0/R.png", "row 3 repeats an image: got train: ID0/R.png"),
        (
            "ID0/L.png",
            "ID9/L.png",
            r"other images: got 1 images without fold \(train: ID0/L\.png\) and "
            r"1 images that are not there \(train: ID9/L\.png\) \(remove the file",
        ),
        ("L.png,ID0", "L.png,ID1", r"1 image is in other groups .*: got ID0/L\.png"),
        ("\n", '\n"', "is no CSV file"),
    ],
)
def test_splits_that_do_not_fit(hands, tmp_path, old, new, match):
    path = tmp_path / "split.csv"
    write_split(path, [part_of(hands)])
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=r"split\.csv: .*" + match):
        read_split(path, "train", hands.samples)


def test_a_group_in_two_folds(hands, tmp_path):
    part = part_of(hands)
    part.folds[0] = (part.folds[0] + 1) % 3
    write_split(tmp_path / "split.csv", [part])
    with pytest.raises(DataError, match="1 group is spread over folds: got ID0"):
        read_split(tmp_path / "split.csv", "train", hands.samples)


@pytest.mark.parametrize("content", [None, b"", b"\xff"])
def test_no_split(tmp_path, content):
    if content is not None:
        (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"split\.csv: (cannot be read|is no)"):
        read_split(tmp_path / "split.csv", "train", [])


# --- leaks


def test_parts_of_a_split_are_disjoint(hands):
    # every image here holds other noise
    for fold in range(3):
        train, val = hold_out(hands, folds_of(hands), fold)
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
