"""Members by name: every way to name them, and one line for what names none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ensemble.errors import DeviceError, MemberError
from ensemble.members.roster import choose_device, find_members


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with members in members/, more/ and more/deep/."""
    for name in (
        "members/unet.pt",
        "members/fpn.pt",
        "more/a.pt",
        "more/b[1].pt",
        "more/deep/c.pt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "members" / "leaderboard.csv").touch()
    (tmp_path / "members" / "old.pt").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "more"))
    return tmp_path


@pytest.mark.parametrize(
    ("specs", "found"),
    [
        ([], ["members/fpn.pt", "members/unet.pt"]),
        (["unet, fpn"], ["members/unet.pt", "members/fpn.pt"]),
        (["unet.pt", "more/a.pt"], ["members/unet.pt", "more/a.pt"]),
        (["unet,"], ["members/unet.pt"]),
        (["more"], ["more/a.pt", "more/b[1].pt"]),
        (["more/"], ["more/a.pt", "more/b[1].pt"]),
        (["more/*.pt"], ["more/a.pt", "more/b[1].pt"]),
        (["more/[ax].p?"], ["more/a.pt"]),
        (["more/b[1].pt"], ["more/b[1].pt"]),
        (["more/**.pt"], ["more/a.pt", "more/b[1].pt"]),
        (["more/**/*.pt"], ["more/a.pt", "more/b[1].pt", "more/deep/c.pt"]),
        (["unet,more/../more/d*/*"], ["members/unet.pt", "more/../more/deep/c.pt"]),
    ],
)
def test_specs(here, specs, found):
    assert [path.as_posix() for path in find_members(specs)] == found


def test_home_and_absolute_paths(here):
    assert find_members(["~/a.pt"]) == [here / "more" / "a.pt"]
    assert find_members(["~/d*/*.pt"]) == [here / "more" / "deep" / "c.pt"]
    assert find_members([f"{here}/more/a*"]) == [here / "more" / "a.pt"]


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("", "no member is named: got --members ''"),
        (",", "no member is named: got --members ','"),
        (" , ", "no member is named"),
        ("net", r"no member file net: .*in members/: fpn, unet \(train members"),
        ("**.pt", r"no member file \*\*\.pt: "),
        ("/**.pt", r"no member file /\*\*\.pt: "),
        ("***", "no member file"),
        ("[", "no member file"),
        ("more/deep/none", "no member file more/deep/none"),
        ("~no one/a.pt", "cannot look for the member ~no one"),
        ("x" * 5000, "cannot look for the member x+: .*too long"),
        ("?" * 5000, r"cannot look for the member \?+: .*too long"),
        ("unet,unet.pt", r"named twice: got members/unet\.pt"),
    ],
)
def test_what_names_no_member_is_one_line(here, spec, match):
    with pytest.raises(MemberError, match=match) as caught:
        find_members([spec])
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_said(here):
    (here / "empty").mkdir()
    with pytest.raises(MemberError, match=r"no member file empty: .*folder of \*\.pt"):
        find_members(["empty"])


def test_a_link_to_nothing_is_not_left_out(here):
    (here / "members" / "gone.pt").symlink_to(here / "nowhere.pt")
    listed = Path("members/gone.pt")
    assert listed in find_members([])
    assert listed in find_members(["members/*.pt"])
    assert find_members(["gone"]) == [listed]


@pytest.mark.parametrize("name", ["cpu", "cpu:0", "auto"])
def test_devices_that_compute(name):
    assert torch.ones(2, device=choose_device(name)).sum() == 2


@pytest.mark.parametrize(
    "name",
    ["meta", "cuda:99", "cuda:", "cuda:-1", "xla", "hpu", "vulkan", "opengl", "CPU", "gpu", ""],
)
def test_devices_that_do_not(name):
    with pytest.raises(DeviceError, match=rf"^device '{name}' cannot be used: ") as caught:
        choose_device(name)
    message = str(caught.value)
    assert message.endswith("(use --device auto or cpu)")
    assert len(message) < 250
