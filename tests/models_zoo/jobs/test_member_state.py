import shutil

import pytest
from drawings import write_drawings

from ensemble.data.datasets import open_labelled
from ensemble.errors import MemberError
from models_zoo.jobs.data_digest import DataDigest
from models_zoo.jobs.member_state import MemberState
from models_zoo.settings.member_spec import MemberSpec

NAME = "unet-resnet34-512"
NO_DATA = DataDigest([], [])


@pytest.mark.parametrize("text", ["", "{", "3", '{"job": 3}', "[" * 100_000])
def test_a_damaged_job_file_is_a_change(tmp_path, text):
    state = MemberState.of(tmp_path, MemberSpec(arch="unet"), NO_DATA)
    state.begin()
    assert (state.stage(), state.changes()) == ("started", [])

    (state.folder / "job.json").write_text(text)

    assert (state.stage(), state.changes()) == ("new", ["job.json, which is damaged"])


def test_a_setting_that_is_new_and_at_its_default_is_no_change(tmp_path):
    old, new = (MemberState.of(tmp_path, MemberSpec(arch="unet"), NO_DATA) for _ in range(2))
    del old.job["window"], old.job["augment"]["hflip"]
    old.begin()

    assert new.changes() == []

    for spec in ({"window": {}}, {"augment": {"hflip": 0.25}}):
        changed = MemberState.of(tmp_path, MemberSpec(arch="unet", name=NAME, **spec), NO_DATA)
        assert changed.changes() == list(spec)


def test_beginning_anew_leaves_nothing(tmp_path):
    state = MemberState.of(tmp_path, MemberSpec(arch="unet"), NO_DATA)
    state.begin()
    (state.folder / "best.pt").touch()
    state.begin()
    assert (state.folder / "best.pt").exists()

    state.begin(anew=True)

    assert [path.name for path in state.folder.iterdir()] == ["job.json"]


def test_what_is_begun_anew_is_put_aside_and_parts_are_removed(tmp_path):
    state = MemberState.of(tmp_path, MemberSpec(arch="unet"), NO_DATA)
    state.begin()
    (state.folder / "best.pt").write_text("an hour of work")
    (state.folder / "last.ckpt.0123.part").touch()

    state.begin()
    assert {path.name for path in state.folder.iterdir()} == {"job.json", "best.pt"}
    state.begin(anew=True)

    old = state.folder.with_name(f"{NAME}.old")
    assert (old / "best.pt").read_text() == "an hour of work"
    state.begin(anew=True)  # the newer takes its place
    assert [path.name for path in old.iterdir()] == ["job.json"]


def test_touched_data_are_the_same_and_changed_ones_are_not(tmp_path):
    data = write_drawings(tmp_path) / "train"

    def state():
        digest = DataDigest([data], [open_labelled(data)])
        return MemberState.of(tmp_path / "members", MemberSpec(arch="unet"), digest)

    state().begin()
    images = sorted((data / "images").glob("*.png"))
    images[0].touch()
    assert (state().stage(), state().changes()) == ("started", [])

    shutil.copy(images[1], images[0])
    assert (state().stage(), state().changes()) == ("new", ["data"])


def test_only_one_run_may_be_at_work_on_a_member(tmp_path):
    first, second = (MemberState.of(tmp_path, MemberSpec(arch="unet"), NO_DATA) for _ in "ab")
    other = MemberState.of(tmp_path, MemberSpec(arch="fpn"), NO_DATA)
    with first.locked():
        with (
            pytest.raises(MemberError, match=rf"{NAME}: another run is training it"),
            second.locked(),
        ):
            pass
        with other.locked():
            pass
    with second.locked():
        assert second.stage() == "new"
