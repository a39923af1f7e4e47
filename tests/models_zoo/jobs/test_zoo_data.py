import shutil

import numpy as np
import pytest
from drawings import write_drawings

from ensemble.errors import ClassListError, ConfigError, DataError
from models_zoo.jobs.zoo_data import open_data
from models_zoo.settings.zoo_file import DataSpec, Zoo

NAMES = "names: [left, right, both]\n"


@pytest.fixture
def split_file(tmp_path):
    return tmp_path / "members" / "split.csv"


@pytest.fixture
def folder(tmp_path):
    return write_drawings(tmp_path, train=6)


def _open(folder, split_file, **data):
    (only,) = _open_all(folder, split_file, **data)
    return only


def _open_all(folder, split_file, **data):
    return open_data(Zoo(folder / "zoo.yaml", DataSpec(**data), ()), split_file)


def _names(labelled):
    return [sample.name for sample in labelled.samples]


def test_without_val_a_fold_of_train_is_held_out(folder, split_file):
    data = _open(folder, split_file, split={"folds": 3, "fold": 1})

    assert (len(data.train.samples), len(data.val.samples)) == (4, 2)
    assert not set(_names(data.train)) & set(_names(data.val))


@pytest.mark.parametrize("split", [{}, {"split": {"seed": 3}}, {"split": {"fold": 2}}])
def test_fewer_groups_than_folds_do_where_nobody_asked_for_folds(tmp_path, split_file, split):
    folder = write_drawings(tmp_path, train=3)
    shutil.rmtree(folder / "val")

    data = _open(folder, split_file, **split)

    assert (len(data.train.samples), len(data.val.samples)) == (2, 1)
    assert np.unique(data.parts[0].folds).tolist() == [0, 1, 2]


def test_folds_that_are_asked_for_need_groups(tmp_path, split_file):
    folder = write_drawings(tmp_path, train=3)
    with pytest.raises(
        DataError, match=r"fewer groups than folds: expected 4 groups .*fewer folds"
    ):
        _open(folder, split_file, split={"folds": 4})


@pytest.mark.parametrize(
    ("images", "data", "got"),
    [
        (1, {}, "got 1 image in 1 group"),
        (3, {"groups": "(train)"}, "got 3 images in 1 group"),
        (1, {"split": {"folds": 2}}, "got 1 image in 1 group"),
    ],
)
def test_of_a_single_group_nothing_can_be_held_out(tmp_path, split_file, images, data, got):
    folder = write_drawings(tmp_path, train=images)
    shutil.rmtree(folder / "val")
    with pytest.raises(DataError, match=rf"train: nothing can be held out.*{got} .*/val\)$"):
        _open(folder, split_file, **data)


def test_every_fold_is_held_out_once(folder, split_file):
    rounds = _open_all(folder, split_file, split={"folds": 3, "fold": "all"})
    assert [data.fold for data in rounds] == [0, 1, 2]
    held_out = [name for data in rounds for name in _names(data.val)]
    assert sorted(held_out) == [f"train{i}.png" for i in range(6)]
    for data in rounds:
        assert sorted(_names(data.train) + _names(data.val)) == sorted(held_out)
        single = _open(folder, split_file, split={"folds": 3, "fold": data.fold})
        assert _names(single.val) == _names(data.val)


def test_a_written_split_is_kept_whatever_the_seed(folder, split_file):
    first = _open(folder, split_file, split={"folds": 3, "seed": 0})
    first.write_split(split_file)
    other = next(
        seed
        for seed in range(1, 20)
        if _names(_open(folder, split_file.with_name("no"), split={"folds": 3, "seed": seed}).val)
        != _names(first.val)
    )

    again = _open(folder, split_file, split={"folds": 3, "seed": other})
    next_fold = _open(folder, split_file, split={"folds": 3, "fold": 1})

    assert _names(again.val) == _names(first.val)
    assert again.note.startswith("kept as it is")
    assert (first.note, next_fold.note) == ("", "")
    assert not set(_names(next_fold.val)) & set(_names(first.val))


def test_a_split_edited_by_hand_decides(folder, split_file):
    _open(folder, split_file, split={"folds": 2}).write_split(split_file)
    rows = split_file.read_text(encoding="utf-8").splitlines()
    folds = [1, 0, 1, 1, 0, 1]
    edited = [f"{row[:-1]}{fold}" for row, fold in zip(rows[1:], folds, strict=True)]
    split_file.write_text("\n".join([rows[0], *edited]), encoding="utf-8")

    data = _open(folder, split_file, split={"folds": 2})

    assert _names(data.val) == ["train1.png", "train4.png"]


def test_a_split_that_does_not_fit_lists_the_images(folder, split_file):
    _open(folder, split_file, split={}).write_split(split_file)
    for part in ("images", "masks/left", "masks/right", "masks/both"):
        path = folder / "train" / part / "train2.png"
        if path.exists():
            path.rename(path.with_name("new.png"))

    with pytest.raises(
        DataError,
        match=r"split.csv: .* 1 images without fold \(train: new.png\) and 1 images that are not "
        r"there \(train: train2.png\) \(remove the file",
    ):
        _open(folder, split_file, split={})


def test_a_split_of_other_folds_is_refused(folder, split_file):
    _open(folder, split_file, split={"folds": 3}).write_split(split_file)

    with pytest.raises(ConfigError, match=r"split.csv: .*expected folds 0 to 1, got folds 0, 1, 2"):
        _open(folder, split_file, split={"folds": 2})


def test_with_a_val_folder_the_folders_decide(folder, split_file):
    for _ in range(2):
        data = _open(folder, split_file)
        data.write_split(split_file)
        assert [part.folder for part in data.parts] == ["train", "val"]
        assert [np.unique(part.folds).tolist() for part in data.parts] == [[1], [0]]


def test_val_must_not_repeat_train(folder, split_file):
    copied = folder / "val" / "images" / "val0.png"
    copied.write_bytes((folder / "train" / "images" / "train0.png").read_bytes())

    with pytest.raises(DataError, match="1 image lies in both"):
        _open(folder, split_file)


@pytest.mark.parametrize(
    ("val", "difference"),
    [
        ("names: [left, right, ring]", "only train has both; only val has ring"),
        ("names: [right, left, both]", "another order, class 1 is left in train and right in val"),
        (f"{NAMES}exclusive: true", "exclusive"),
        (f"{NAMES}mirror_pairs: [[left, both]]", "mirror_pairs"),
        (f"{NAMES}values: [0, 1, 3]", "values"),
        (f"{NAMES}ignore: 255", "ignore"),
    ],
)
def test_classes_of_val_must_be_those_of_train(folder, split_file, val, difference):
    (folder / "train" / "classes.yaml").write_text(f"{NAMES}mirror_pairs: [[left, right]]")
    if "mirror_pairs" not in val:
        val += "\nmirror_pairs: [[right, left]]"
    (folder / "val" / "classes.yaml").write_text(val)

    with pytest.raises(ClassListError, match=rf"val: .*those of train: {difference} \(let both"):
        _open(folder, split_file)


def test_classes_stated_twice_alike_are_fine(folder, split_file):
    (folder / "train" / "classes.yaml").write_text(f"{NAMES}mirror_pairs: [[left, right]]")
    (folder / "val" / "classes.yaml").write_text(f"{NAMES}mirror_pairs: [[right, left]]")

    assert _open(folder, split_file).val.classes.names == ("left", "right", "both")
