import cv2
import numpy as np
import pytest
from drawings import write_drawings
from layouts import write_mask_folders

from ensemble.data.datasets import open_labelled
from ensemble.errors import ConfigError, DataError
from ensemble.progress import silent
from models_zoo.jobs.strata import image_traits
from models_zoo.jobs.zoo_data import open_data
from models_zoo.settings.zoo_file import DataSpec, Zoo


@pytest.fixture
def train(tmp_path):
    write_drawings(tmp_path, train=8)
    (tmp_path / "train" / "masks" / "left" / "train2.png").unlink()
    (tmp_path / "metadata.csv").write_text(
        "ID,sex,height,note\n"
        + "".join(f"train{i},{'FM'[i % 2]},{150 + 5 * i},x{i}\n" for i in range(7))
    )
    return open_labelled(tmp_path / "train")


def test_classes_that_an_image_shows_are_traits(train):
    shown = image_traits(train, ["classes"], silent)
    expected = np.ones((8, 3), bool)
    expected[2, 0] = False
    np.testing.assert_array_equal(shown, expected)


def test_categories_quarters_and_what_is_not_known_are_traits(train):
    sex = image_traits(train, ["sex"], silent)  # female, male, unknown
    np.testing.assert_array_equal(sex.argmax(axis=1), [0, 1, 0, 1, 0, 1, 0, 2])
    height = image_traits(train, ["height"], silent)
    np.testing.assert_array_equal(height.argmax(axis=1), [0, 0, 1, 1, 2, 3, 3, 4])
    both = image_traits(train, ["sex", "height"], silent)
    np.testing.assert_array_equal(both, np.concatenate([sex, height], axis=1))
    assert (both.sum(axis=1) == 2).all()


def test_poses_are_upright_or_lean_to_a_side_or_are_not_known(tmp_path):
    masks = {}
    for stem, angle in (("a", 90), ("b", 88), ("c", 60), ("d", 93), ("e", 125), ("f", None)):
        masks[stem] = np.zeros((1, 90, 70), np.uint8)
        if angle is not None:
            along = 35 * np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
            ends = [(np.array([35, 45]) + end).astype(int).tolist() for end in (along, -along)]
            cv2.line(masks[stem][0], *ends, 1, 5)
    write_mask_folders(tmp_path, ["hand"], {stem: each > 0 for stem, each in masks.items()})
    traits = image_traits(open_labelled(tmp_path), ["pose"], silent)
    assert (traits.sum(axis=1) == 1).all()
    left, right, upright, unknown = range(4)
    assert traits.argmax(axis=1).tolist() == [upright, upright, right, upright, left, unknown]


def test_what_the_table_does_not_say_is_refused(train, tmp_path):
    with pytest.raises(
        ConfigError, match=r"metadata.csv: .*of classes, pose, height, sex, got posture"
    ):
        image_traits(train, ["sex", "posture"], silent)
    (tmp_path / "metadata.csv").write_text("image,score\na,1\n")
    with pytest.raises(DataError, match="has no column ID"):
        image_traits(train, ["sex"], silent)
    (tmp_path / "metadata.csv").unlink()
    with pytest.raises(ConfigError, match=r"no table of persons to stratify by sex.*metadata.csv"):
        image_traits(train, ["sex", "classes"], silent)


def test_a_stratified_split_gives_each_fold_its_share(train, tmp_path):
    spec = DataSpec(split={"folds": 4, "fold": "all", "stratify": ["sex"]})
    rounds = open_data(Zoo(tmp_path / "zoo.yaml", spec, ()), tmp_path / "split.csv")
    held_out = [{s.name for s in data.val.samples} for data in rounds]
    assert [len(names) for names in held_out] == [2, 2, 2, 2]
    odd = [sum(int(name[5]) % 2 for name in names) for names in held_out]
    assert odd == [1, 1, 1, 1]
