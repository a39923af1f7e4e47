"""A small labelled folder and predictions of it, with errors of every kind."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from layouts import write_mask_folders

from reference import rle_string

NAMES = ("Radius", "Ulna", "Lunate", "Pisiform <b>")


def stacks(num_people: int = 4, *, seed: int = 0) -> tuple[dict, dict]:
    """Truth and prediction (C, H, W) by stem: two images a person, of unlike sizes.

    Lunate and Pisiform overlap; Pisiform is absent from the first image and invented there; Ulna
    is missed whole in the second; the images of person 1 are predicted worst.
    """
    rng = np.random.default_rng(seed)
    truth, predicted = {}, {}
    for person in range(num_people):
        for side in ("L", "R"):
            height, width = 50 + 3 * person, 70 - 2 * person
            y, x = rng.integers(2, 6, 2)
            masks = np.zeros((4, height, width), bool)
            masks[0, y : y + 20, x : x + 12] = True
            masks[1, y : y + 18, x + 20 : x + 30] = True
            masks[2, y + 24 : y + 36, x : x + 16] = True
            masks[3, y + 30 : y + 40, x + 10 : x + 22] = True
            found = np.roll(masks, 1 + 3 * (person == 1), axis=2)
            found[0] |= masks[1] & (rng.random(masks[1].shape) < 0.2)
            name = f"ID{person:02}/사진_{side}"
            truth[name], predicted[name] = masks, found
    first, second = list(truth)[:2]
    truth[first][3] = False
    predicted[second][1] = False
    return truth, predicted


def write_predicted_data(folder: Path, truth: dict, predicted: dict) -> tuple[Path, Path]:
    """Write test/, predictions.csv and metadata.csv; the paths of the first two."""
    write_mask_folders(folder / "test", NAMES, truth)
    quoted = ", ".join(f'"{name}"' for name in NAMES)
    (folder / "classes.yaml").write_text(f"names: [{quoted}]\n", encoding="utf-8")
    people = sorted({stem.split("/")[0] for stem in truth})
    with (folder / "metadata.csv").open("w", encoding="utf-8") as stream:
        rows = [(name, 20 + 9 * i, "FM"[i % 2]) for i, name in enumerate(people)]
        csv.writer(stream).writerows([("ID", "age", "sex"), *rows])
    path = folder / "predictions.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerow(("image_name", "class", "rle"))
        csv.writer(stream).writerows(
            (f"{stem}.png", name, rle_string(mask))
            for stem, masks in predicted.items()
            for name, mask in zip(NAMES, masks, strict=True)
        )
    return folder / "test", path
