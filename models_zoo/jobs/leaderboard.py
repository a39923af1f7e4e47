"""`leaderboard.csv`: the members of a folder, best first, as their manifests tell."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ensemble.errors import MemberError
from ensemble.files.whole_file import whole_file
from ensemble.members.file import read_member_manifest
from ensemble.members.manifest import Manifest
from ensemble.members.roster import SUFFIX

FILE_NAME = "leaderboard.csv"
_BEFORE = ("member", "arch", "encoder", "size", "parameters", "val_dice")
_SUMMARY = (
    *("val_dice", "val_dice_per_class", "parameters"),
    *("epochs", "best_epoch", "train_s", "ms_per_image"),
)
_AFTER = ("epochs", "best_epoch", "train_s", "ms_per_image", "file")


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's row; `size` is h x w of its input, Dice are means over the validation images.

    `ms_per_image` is the time of its soft map of a whole image, windows and all.
    """

    member: str
    arch: str
    encoder: str
    size: str
    parameters: int
    val_dice: float
    class_dice: dict[str, float] = field(repr=False)
    epochs: int
    best_epoch: int
    train_s: float
    ms_per_image: float
    file: str


def read_standings(folder: Path) -> list[Standing]:
    """A row for every member file in a folder whose manifest tells how it was trained, best first.

    Files that are no members are passed over, see `foreign_files`.
    """
    rows = []
    for path in _member_files(folder):
        with suppress(MemberError):
            rows += _standing(path.name, read_member_manifest(path))
    return sorted(rows, key=lambda row: (-row.val_dice, row.member))


def foreign_files(folder: Path) -> dict[Path, MemberError]:
    """The files among the members that are none, and why."""
    foreign = {}
    for path in _member_files(folder):
        try:
            read_member_manifest(path)
        except MemberError as error:
            foreign[path] = error
    return foreign


def _member_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def _standing(file: str, manifest: Manifest) -> list[Standing]:
    """The row of a member, none for one that tells nothing of its training."""
    training = manifest.training
    if not set(_SUMMARY) <= set(training):
        return []
    return [
        Standing(
            member=manifest.name,
            arch=manifest.network.arch,
            encoder=manifest.network.encoder or "",
            size=manifest.input.text,
            parameters=training["parameters"],
            val_dice=training["val_dice"],
            class_dice=dict(training["val_dice_per_class"]),
            epochs=training["epochs"],
            best_epoch=training["best_epoch"],
            train_s=training["train_s"],
            ms_per_image=training["ms_per_image"],
            file=file,
        )
    ]


def write_leaderboard(path: Path, standings: Sequence[Standing]) -> None:
    """Write the CSV whole or not at all; a class that a member lacks is an empty cell."""
    classes = list(dict.fromkeys(name for row in standings for name in row.class_dice))
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow([*_BEFORE, *(f"dice:{name}" for name in classes), *_AFTER])
        table.writerows(_cells(row, classes) for row in standings)


def _cells(row: Standing, classes: Sequence[str]) -> list[str]:
    dice = [f"{row.class_dice[name]:.4f}" if name in row.class_dice else "" for name in classes]
    return [
        *(row.member, row.arch, row.encoder, row.size, str(row.parameters), f"{row.val_dice:.5f}"),
        *dice,
        *(str(row.epochs), str(row.best_epoch), f"{row.train_s:.1f}", f"{row.ms_per_image:.2f}"),
        row.file,
    ]
