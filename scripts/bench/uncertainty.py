"""Uncertainty of every pixel from fused soft maps: against interpolating all classes, and a floor.

    python scripts/bench/uncertainty.py [--quick]

29 maps of 512 x 512 (and, for disagreement, as many of squares) become one picture of 2048 x 2048,
two threads for both. The plain way interpolates all classes with torch and takes
the largest entropy, or deviation, over classes. The floor writes each pixel once and takes the
entropy of one class. Before anything is timed, both pictures are compared.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import interpolate

from ensemble.maps.map_sums import sum_maps
from ensemble.maps.masks import Band, maps_to_runs, whole_image
from ensemble.maps.uncertainty import Uncertainty, band_disagreement, band_entropy
from ensemble.streaming import Mapper, Stripes
from measure import Row, compare, in_turn, machine, print_summary
from phantom_maps import Maps, phantom_masks, soft_maps, with_background

SIZE, GRID, ROUNDS = 2048, 512, 9
TARGET = 3.0


def main() -> None:
    """Check, then measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small maps, no figures")
    quick = parser.parse_args().quick
    size, grid, rounds = (256, 64, 1) if quick else (SIZE, GRID, ROUNDS)
    torch.set_num_threads(2)
    print(machine("numpy", "numba", "torch"))
    masks = phantom_masks(0, size)
    members = [soft_maps(np.random.default_rng(seed), masks, grid) for seed in range(3)]
    maps = np.mean(members, axis=0, dtype=np.float32)
    squares = np.mean(np.square(members), axis=0, dtype=np.float32)
    band = replace(whole_image([maps], (size, size)), squares=(squares,))
    exclusive = whole_image([with_background(maps[:6])], (size, size))
    check(band_entropy(band, "prob", exclusive=False), plain_entropy(maps, size))
    check(band_disagreement(band), plain_disagreement(maps, squares, size))
    with Stripes(2) as stripes:
        rows = measure(band, exclusive, rounds, stripes.map)
    print_summary(rows)


def measure(band: Band, exclusive: Band, rounds: int, mapper: Mapper) -> list[Row]:
    """Ours and the plain ways in turn."""
    (maps,), (squares,), size = band.maps, band.squares, band.size
    runs = maps_to_runs([maps], np.full(len(maps), 0.5), size)
    times = in_turn(
        {
            "entropy": lambda: band_entropy(band, "prob", exclusive=False, mapper=mapper),
            "plain entropy": lambda: plain_entropy(maps, size[0]),
            "disagreement": lambda: band_disagreement(band, mapper=mapper),
            "plain disagreement": lambda: plain_disagreement(maps, squares, size[0]),
            "exclusive": lambda: band_entropy(exclusive, "prob", exclusive=True, mapper=mapper),
            "floor": lambda: floor(band, size[0]),
            "sums": lambda: [
                sum_maps([each[None]], mask, size) for each, mask in zip(maps, runs, strict=True)
            ],
        },
        rounds,
    )
    for name, taken in times.items():
        print(f"{name}: {taken.text()}")
    pairs = [("entropy", "plain entropy"), ("disagreement", "plain disagreement")]
    floors = ("entropy", "exclusive", "sums")
    return [
        *(compare(f"{a}, ms", times[a], times[b], TARGET) for a, b in pairs),
        *(compare(f"{a}, ms, against the floor", times[a], times["floor"]) for a in floors),
    ]


def plain_entropy(maps: Maps, size: int) -> Uncertainty:
    """All classes at full size."""
    p = enlarge(maps, size).clamp(1e-7, 1 - 1e-7)
    entropy = -(p * p.log2() + (1 - p) * (1 - p).log2())
    return (entropy.amax(0) * 255).round().to(torch.uint8).numpy()


def plain_disagreement(maps: Maps, squares: Maps, size: int) -> Uncertainty:
    """All classes and their squares at full size."""
    variance = enlarge(squares, size) - enlarge(maps, size).square()
    return (2 * variance.amax(0).clamp(0, 0.25).sqrt() * 255).round().to(torch.uint8).numpy()


def enlarge(maps: Maps, size: int) -> torch.Tensor:
    """(C, size, size)."""
    return interpolate(torch.from_numpy(maps)[None], size=(size, size), mode="bilinear")[0]


def floor(band: Band, size: int) -> Uncertainty:
    """One class, whatever the others say."""
    one = whole_image([band.maps[0][:1]], (size, size))
    return band_entropy(one, "prob", exclusive=False)


def check(ours: Uncertainty, plain: Uncertainty) -> None:
    """End here if two pictures differ by more than a level."""
    off = np.abs(ours.astype(int) - plain.astype(int))
    if off.max() > 1:
        raise SystemExit(f"pictures differ by {off.max()} levels")
    print(f"{(off > 0).mean():.2%} of the pixels differ, by one level")


if __name__ == "__main__":
    main()
