"""Stored soft maps: their size, the Dice that 8 bits cost, and what reading one class takes.

Maps of 29 phantom bones on a grid of 512, masks at 2048 x 2048 of the mean of three, in float32 and
as stored, averaged as probabilities and as logits.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.bit_planes import Label, pack
from ensemble.dice import image_dice
from ensemble.fusion.soft_maps import LEVELS, PROB_SCALE, SoftMapCache, SoftMapKey, scale_of
from ensemble.fusion_space import FusionSpace, limits_of
from ensemble.maps.masks import maps_to_runs
from measure import Row, compare, in_turn, limit_row, machine, print_summary
from phantom_maps import phantom_masks, soft_maps

GRID, SIZE, MEMBERS = 512, 2048, 3
SPACES: tuple[FusionSpace, ...] = ("prob", "logit")
MOST_SHARE, MOST_LOST = 0.03, 1e-4


def main() -> None:
    """Store the maps of some images and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(machine("numpy", "zarr"))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for space in SPACES:
            cache = SoftMapCache(Path(folder) / space)
            lost = [lost_dice(cache, number, space) for number in range(options.images)]
            sizes = [path.stat().st_size for path in cache.folder.rglob("*.zip")]
            print(
                f"{space}: Dice that 8 bits cost, mean {np.mean(lost):+.6f}, in an image at most "
                f"{np.abs(lost).max():.6f}; {np.mean(sizes) / 1024:.0f} KiB a map"
            )
            what = f"Dice that 8 bits of {space} cost {MEMBERS} members"
            rows.append(limit_row(what, abs(float(np.mean(lost))), MOST_LOST))
            share = float(np.mean(sizes)) / (29 * GRID * GRID * 4)
            rows.append(limit_row(f"size of {space}, as a share of float32", share, MOST_SHARE))
        rows.append(reading_row(cache, options.rounds))
    print_summary(rows)


def lost_dice(cache: SoftMapCache, number: int, space: FusionSpace) -> float:
    """Dice of the mean of exact maps less that of stored ones."""
    masks = phantom_masks(number, SIZE)
    label = Label(pack(masks > 0))
    scale = scale_of(space, exclusive=False)
    exact, stored = [], []
    for m in range(MEMBERS):
        probs = soft_maps(np.random.default_rng([number, m]), masks, GRID)
        maps = limits_of(probs, space).clip(scale.low, scale.high).astype(np.float32)
        key = SoftMapKey(f"{m}", f"{number}", "", space)
        cache.put(key, scale.quantise(maps))
        levels = cache.get(key)
        exact.append(maps)
        stored.append(
            np.float32((scale.high - scale.low) / LEVELS) * levels + np.float32(scale.low)
        )

    def dice(maps: NDArray[np.float32]) -> float:
        limits = limits_of(np.full(len(maps), 0.5), space)
        runs = maps_to_runs([maps], limits, label.size)
        return float(image_dice(runs, label).mean())

    return dice(np.mean(exact, axis=0)) - dice(np.mean(stored, axis=0))


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
