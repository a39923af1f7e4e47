import os
import shutil

import pytest
from drawings import write_drawings

from ensemble.data.datasets import open_labelled
from models_zoo.jobs.data_digest import DataDigest


@pytest.fixture
def folder(tmp_path):
    """A labelled folder whose masks of "left" lie elsewhere, behind a link."""
    (tmp_path / "data").mkdir()
    data = write_drawings(tmp_path / "data") / "train"
    masks = data / "masks" / "left"
    masks.rename(tmp_path / "left")
    masks.symlink_to(tmp_path / "left", target_is_directory=True)
    return data


def digest(folder):
    return DataDigest([folder], [open_labelled(folder)])


def test_a_change_behind_a_link_is_noticed(folder):
    before = digest(folder).stamps
    assert digest(folder).stamps == before

    os.utime(next((folder / "masks" / "left").resolve().glob("*.png")), ns=(0, 0))

    assert digest(folder).stamps != before


def test_what_is_no_data_does_not_count(folder):
    before = digest(folder)
    (folder / "notes.txt").write_text("look again at train0")
    (folder / ".DS_Store").write_text("")

    assert digest(folder).stamps == before.stamps
    assert digest(folder).content == before.content


def test_a_link_to_nothing_is_not_the_business_of_a_digest(folder):
    before, parts = digest(folder).stamps, [open_labelled(folder)]
    (folder / "images" / "gone.png").symlink_to(folder / "nowhere.png")

    assert DataDigest([folder], parts).stamps != before


def test_the_content_of_a_copy_and_of_touched_files_is_the_same(folder, tmp_path):
    before = digest(folder)
    shutil.copytree(folder, tmp_path / "copy" / "train")
    shutil.copy(folder.parent / "classes.yaml", tmp_path / "copy")
    (tmp_path / "copy" / "train" / "notes.json").write_text("{}")

    after = digest(tmp_path / "copy" / "train")

    assert after.content == before.content
    assert after.stamps != before.stamps


@pytest.mark.parametrize("place", ["images", "masks/left"])
def test_another_pixel_is_another_content(folder, place):
    before = digest(folder).content
    first, second = sorted((folder / place).glob("*.png"))[:2]
    shutil.copy(first, second)

    assert digest(folder).content != before
