import csv
import zipfile
from dataclasses import replace

import pytest
import torch

from ensemble.classes import ClassList
from ensemble.errors import MemberError
from ensemble.members.file import read_member, write_member
from ensemble.members.manifest import WindowSpec
from fakes import manifest, tiny_member
from models_zoo.jobs.leaderboard import foreign_files, read_standings, write_leaderboard

CLASSES = ClassList(("left", "right"))


def summary(dice, per_class):
    return {
        **{"val_dice": dice, "val_dice_per_class": per_class, "parameters": 1234},
        **{"epochs": 9, "best_epoch": 7, "train_s": 61.25, "ms_per_image": 12.345},
    }


def write(folder, name, *, size=(32, 48), window=None, training):
    network = tiny_member(name, CLASSES, size).network
    told = manifest(name, CLASSES, size, window).model_copy(update={"training": training})
    write_member(folder / f"{name}.pt", told, network.state_dict())


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "a", training=summary(0.5, {"left": 0.25, "right": 0.75}))
    both = summary(0.75, {"left": 0.75, "spine": 0.75})
    write(tmp_path, "b", window=WindowSpec(), training=both)
    write(tmp_path, "of another making", training={"source": "a hub"})
    return tmp_path


def test_members_stand_best_first_and_those_of_another_making_not_at_all(folder):
    standings = read_standings(folder)
    assert [(row.member, row.file, row.val_dice) for row in standings] == [
        ("b", "b.pt", 0.75),
        ("a", "a.pt", 0.5),
    ]
    assert standings[1].class_dice == {"left": 0.25, "right": 0.75}


def test_windows_are_told_from_images_that_are_resized(folder):
    assert [row.size for row in read_standings(folder)] == ["32 x 48 windows", "32 x 48"]


def test_equal_members_stand_in_the_order_of_their_names(folder):
    write(folder, "0", training=summary(0.5, {}))
    assert [row.member for row in read_standings(folder)] == ["b", "0", "a"]


def test_the_file_has_a_column_for_each_class_of_any_member(folder):
    write_leaderboard(folder / "leaderboard.csv", read_standings(folder))
    with (folder / "leaderboard.csv").open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first == {
        **{"member": "b", "arch": "unet", "encoder": "resnet18", "size": "32 x 48 windows"},
        **{"parameters": "1234", "val_dice": "0.75000"},
        **{"dice:left": "0.7500", "dice:spine": "0.7500", "dice:right": ""},
        **{"epochs": "9", "best_epoch": "7", "train_s": "61.2", "ms_per_image": "12.35"},
        "file": "b.pt",
    }
    assert (second["dice:spine"], second["dice:right"]) == ("", "0.7500")


def test_names_that_hold_commas_are_quoted(folder):
    standings = [replace(row, member="x, y") for row in read_standings(folder)]
    write_leaderboard(folder / "leaderboard.csv", standings)
    with (folder / "leaderboard.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["member"] for row in csv.DictReader(stream)} == {"x, y"}


def test_files_that_are_no_members_are_passed_over_and_named(folder):
    before = read_standings(folder)
    (folder / "c.pt").write_bytes(b"nothing")
    torch.save({"a": torch.ones(2)}, folder / "d.pt")
    assert read_standings(folder) == before
    foreign = foreign_files(folder)
    assert list(foreign) == [folder / "c.pt", folder / "d.pt"]
    assert "c.pt: is no member file, or is cut off" in str(foreign[folder / "c.pt"])
    assert "(move it elsewhere, or make it a member with ens adopt)" in str(
        foreign[folder / "d.pt"]
    )


def test_weights_are_not_read(folder):
    path = folder / "a.pt"
    with zipfile.ZipFile(path) as archive:
        (record, *_) = [each for each in archive.infolist() if "/data/" in each.filename]
        start = record.header_offset + 200
    content = bytearray(path.read_bytes())
    content[start : start + 8] = bytes(byte ^ 255 for byte in content[start : start + 8])
    path.write_bytes(content)
    with pytest.raises(MemberError, match="damaged"):
        read_member(path)
    assert [row.member for row in read_standings(folder)] == ["b", "a"]


def test_a_damaged_manifest_is_told(folder):
    path = folder / "a.pt"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"best_epoch", b"best_epock"))
    assert "a.pt: is damaged: " in str(foreign_files(folder)[path])
