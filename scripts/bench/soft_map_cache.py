"""Stored soft maps: their size, the Dice that 8 bits cost, and what reading one class takes.

Maps of 29 phantom bones on a grid of 512, masks at 2048 x 2048 of each map alone and of the mean of
three, in float32 and as stored.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label, pack
from ensemble.dice import image_dice
from ensemble.masks import maps_to_runs
from ensemble.soft_maps import LEVELS, PROB_SCALE, SoftMapCache, SoftMapKey
from measure import Row, compare, in_turn, limit_row, machine, print_summary
from phantom_maps import phantom_masks, soft_maps

GRID, SIZE, MEMBERS = 512, 2048, 3
MOST_SHARE, MOST_LOST = 0.03, 1e-4


def main() -> None:
    """Store the maps of some images and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(machine("numpy", "zarr"))
    with tempfile.TemporaryDirectory() as folder:
        cache = SoftMapCache(Path(folder))
        lost = np.array([lost_dice(cache, number) for number in range(options.images)])
        sizes = [path.stat().st_size for path in Path(folder).rglob("*.zip")]
        share = float(np.mean(sizes)) / (29 * GRID * GRID * 4)
        print(
            f"{np.mean(sizes) / 1024:.0f} KiB a map; Dice that 8 bits cost, mean and most of an "
            f"image: alone {lost[:, 0].mean():+.6f}, {np.abs(lost[:, 0]).max():.6f}; of the mean "
            f"{lost[:, 1].mean():+.6f}, {np.abs(lost[:, 1]).max():.6f}"
        )
        rows = [
            limit_row("size, as a share of float32", share, MOST_SHARE),
            limit_row("Dice that 8 bits cost one member", abs(lost[:, 0].mean()), MOST_LOST),
            limit_row("Dice that 8 bits cost three", abs(lost[:, 1].mean()), MOST_LOST),
            reading_row(cache, options.rounds),
        ]
    print_summary(rows)


def lost_dice(cache: SoftMapCache, number: int) -> tuple[float, float]:
    """Mean Dice of exact maps less that of stored ones: the first member's, and the mean's."""
    masks = phantom_masks(number, SIZE)
    label = Label(pack(masks > 0))
    exact, stored = [], []
    for m in range(MEMBERS):
        maps = soft_maps(np.random.default_rng([number, m]), masks, GRID)
        key = SoftMapKey(f"{m}", f"{number}", "")
        cache.put(key, PROB_SCALE.quantise(maps))
        levels = cache.get(key)
        exact.append(maps)
        stored.append(np.float32(1 / LEVELS) * levels)

    def dice(maps: NDArray[np.float32]) -> float:
        runs = maps_to_runs([maps], np.full(len(maps), 0.5), label.size)
        return float(image_dice(runs, label).mean())

    return (
        dice(exact[0]) - dice(stored[0]),
        dice(np.mean(exact, axis=0)) - dice(np.mean(stored, axis=0)),
    )


def reading_row(cache: SoftMapCache, rounds: int) -> Row:
    """One class of a map of full size, against all 29."""
    masks = phantom_masks(0, SIZE)
    maps = PROB_SCALE.quantise(soft_maps(np.random.default_rng(0), masks, SIZE))
    key = SoftMapKey("full", "size", "")
    cache.put(key, maps)

    def read(classes: int | slice) -> None:
        entry = cache.open(key)
        if entry is None:
            raise SystemExit("what was put is not there")
        with entry:
            entry[classes]

    times = in_turn({"one": lambda: read(5), "all": lambda: read(slice(None))}, rounds)
    return compare("reading one class of 2048 x 2048, ms, against all", times["one"], times["all"])


if __name__ == "__main__":
    main()
