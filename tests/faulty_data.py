"""A small data set with most of the faults that an exploration finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from layouts import write_mask_folders, write_png

NAMES = ["왼쪽", "right", "spine", "never"]
SIZE = (60, 90)
NUM_PERSONS = 12


def masks(number, *, swapped=False):
    """Two discs, a bar between them that overlaps the left one, and a class that is nowhere."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    sides = (65, 25) if swapped else (25, 65)
    radius = 8 + number % 4
    discs = [np.hypot(rows - 30, columns - side - number % 3) < radius for side in sides]
    bar = (np.abs(columns - 38) < 10) & (np.abs(rows - 30) < 4 + number % 2)
    return np.stack([*discs, bar, np.zeros(SIZE, bool)])


def image(number, brighter=0):
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 150, (6, 9)).repeat(10, 0).repeat(10, 1)
    return (coarse + rng.integers(0, 20, SIZE) + brighter).astype(np.uint8)


def write_faulty_data(tmp_path: Path) -> Path:
    """train/, test/ and a table: two images of each of 12 persons.

    Person 11's masks swap sides, an image of person 10 is one of 9, both of 8 are one with its
    label, another has no label, one has a mask twice; persons 11 and 99 stand on one side only;
    test images are brighter, one is a copy.
    """
    stems = [f"ID{p:02d}/사진 {side}" for p in range(NUM_PERSONS) for side in "LR"]
    stacks = {stem: masks(i // 2 + i % 2, swapped=i // 2 == 11) for i, stem in enumerate(stems)}
    stacks["ID03/사진 R"] = np.zeros((4, *SIZE), bool)
    stacks["ID04/사진 L"][1] = stacks["ID04/사진 L"][0]
    stacks["ID05/사진 L"][0, :2, :2] = True
    stacks["ID08/사진 R"] = stacks["ID08/사진 L"]
    write_mask_folders(tmp_path / "train", NAMES, stacks)
    for i, stem in enumerate(stems):
        write_png(tmp_path / "train" / "images" / f"{stem}.png", image(i))
    write_png(tmp_path / "train" / "images" / "ID10" / "사진 L.png", image(18))
    write_png(tmp_path / "train" / "images" / "ID08" / "사진 R.png", image(16))
    pairs = f"mirror_pairs: [[{NAMES[0]}, right]]"
    (tmp_path / "classes.yaml").write_text(
        f"names: [{', '.join(NAMES)}]\n{pairs}\n", encoding="utf-8"
    )
    rows = [f"ID{p:02d},{30 + p},{'여남'[p % 2]},{50 + p}kg,{150 + 3 * p}" for p in range(11)]
    table = "\n".join(["ID,나이,성별,체중(몸무게),키(신장)", *rows, "ID99,1,여,3,50"])
    (tmp_path / "metadata.csv").write_text(table, encoding="utf-8")
    for i in range(14):
        write_png(tmp_path / "test" / f"p{i}.png", image(100 + i, brighter=80))
    write_png(tmp_path / "test" / "copy.png", image(0))
    return tmp_path
