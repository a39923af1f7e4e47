import os

import pytest
from drawings import write_drawings

from ensemble.data.datasets import open_labelled
from models_zoo.jobs.member_state import MemberState, digest_data
from models_zoo.settings.member_spec import MemberSpec

NAME = "unet-resnet34-512"


@pytest.fixture
def folder(tmp_path):
    """A labelled folder whose masks of "left" lie elsewhere, behind a link."""
    (tmp_path / "data").mkdir()
    data = write_drawings(tmp_path / "data") / "train"
    masks = data / "masks" / "left"
    masks.rename(tmp_path / "left")
    masks.symlink_to(tmp_path / "left", target_is_directory=True)
    return data


def _digest(folder):
    return digest_data([folder], [open_labelled(folder)])


def test_a_change_behind_a_link_is_noticed(folder):
    before = _digest(folder)
    assert _digest(folder) == before

    os.utime(next((folder / "masks" / "left").resolve().glob("*.png")), ns=(0, 0))

    assert _digest(folder) != before


def test_what_is_no_data_does_not_count(folder):
    before = _digest(folder)
    (folder / "notes.txt").write_text("look again at train0")
    (folder / ".DS_Store").write_text("")

    assert _digest(folder) == before


def test_a_link_to_nothing_is_not_the_business_of_a_digest(folder):
    before, parts = _digest(folder), [open_labelled(folder)]
    (folder / "images" / "gone.png").symlink_to(folder / "nowhere.png")

    assert digest_data([folder], parts) != before


@pytest.mark.parametrize("text", ["", "{", "3", '{"job": 3}', "[" * 100_000])
def test_a_damaged_job_file_is_a_change(tmp_path, text):
    state = MemberState.of(tmp_path, MemberSpec(arch="unet"), "0")
    state.begin()
    assert (state.stage(), state.changes()) == ("started", [])

    (state.folder / "job.json").write_text(text)

    assert (state.stage(), state.changes()) == ("new", ["job.json, which is damaged"])


def test_a_setting_that_is_new_and_at_its_default_is_no_change(tmp_path):
    old, new = (MemberState.of(tmp_path, MemberSpec(arch="unet"), "0") for _ in range(2))
    del old.job["window"], old.job["augment"]["hflip"]
    old.begin()

    assert new.changes() == []

    for spec in ({"window": {}}, {"augment": {"hflip": 0.25}}):
        changed = MemberState.of(tmp_path, MemberSpec(arch="unet", name=NAME, **spec), "0")
        assert changed.changes() == list(spec)


def test_beginning_anew_leaves_nothing(tmp_path):
    state = MemberState.of(tmp_path, MemberSpec(arch="unet"), "0")
    state.begin()
    (state.folder / "best.pt").touch()
    state.begin()
    assert (state.folder / "best.pt").exists()

    state.begin(anew=True)

    assert [path.name for path in state.folder.iterdir()] == ["job.json"]
