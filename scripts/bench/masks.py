"""From fused soft maps to run-length strings: against the contest's path, a floor, and encoders.

    python scripts/bench/masks.py [--quick]     # pip install -e '.[bench]' for the encoders

29 maps of 512 x 512 become 29 strings at 2048 x 2048, with two threads for everybody. The maps are
made from masks of the phantom; uniform noise is shown as the worst case. Before anything is timed,
the masks are compared with those of dense float32 interpolation. "Warm" is one image again and
again, "cold" walks through images that do not fit into the cache together.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Sequence
from functools import partial

import hotcoco.mask
import numpy as np
import pycocotools.mask
import rlemasklib
import torch

from contest import contest_argmax_strings, contest_strings, contest_sum_strings, enlarge
from ensemble.maps.masks import argmax_runs, maps_to_runs
from ensemble.runs.rle import Order, Runs, area, decode, format_rle
from ensemble.streaming import Stripes
from measure import Row, Times, compare, in_turn, machine, print_summary
from phantom_maps import Maps, noise_maps, phantom_masks, soft_maps, with_background

THRESHOLD = 0.5
TOLERANCE = 1e-5
CONTEST_TARGET = 60
COLD_BYTES = 240e6  # maps that the cold pass walks through; more than caches hold


class Strings:
    """Our path, in threads, as `ens predict` takes it."""

    def __init__(self, stripes: Stripes, size: tuple[int, int]) -> None:
        self._stripes = stripes
        self._size = size

    def runs(self, grids: Sequence[Maps]) -> list[Runs]:
        """Runs of the masks where the sum of the maps is above the threshold."""
        limits = np.full(len(grids[0]), THRESHOLD)
        return maps_to_runs(grids, limits, self._size, mapper=self._stripes.map)

    def above(self, grids: Sequence[Maps], order: Order = "row") -> list[str]:
        """Strings of overlapping classes."""
        return self._format(self.runs(grids), order)

    def argmax(self, maps: Maps) -> list[str]:
        """Strings of exclusive classes."""
        return self._format(argmax_runs([maps], self._size), "row")

    def _format(self, runs: Sequence[Runs], order: Order) -> list[str]:
        mapper = map if order == "row" else self._stripes.map  # 5 microseconds a string along rows
        return list(mapper(partial(format_rle, size=self._size, order=order), runs))


def main() -> None:
    """Check, then measure the rows."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    size = (options.size, options.size)
    print(machine("numpy", "numba", "torch", "hotcoco", "RLEMaskLib", "pycocotools"))
    print(f"{options.threads} threads; grid {options.grid}, masks {options.size}")
    rng = np.random.default_rng(0)
    masks = phantom_masks(0, options.size)
    maps = soft_maps(rng, masks, options.grid)
    with Stripes(options.threads) as stripes:
        ours = Strings(stripes, size)
        describe("phantom", ours.runs([maps]), size)
        check(ours.runs([maps]), [maps], size)
        grids = three_grids(rng, masks, options.grid)
        check(ours.runs(grids), grids, size)
        images = [maps, *other_images(rng, maps)]
        rows = [
            contest_row("phantom", ours, maps, size, options.rounds, CONTEST_TARGET),
            *floor_rows(ours, stripes, images, options.many_rounds),
            encoder_row(ours, stripes, maps, size, options.many_rounds),
            argmax_row(ours, with_background(maps), size, options.rounds),
            *grid_rows(ours, grids, size, options.rounds),
        ]
        noise = noise_maps(rng, len(maps), options.grid)
        describe("noise", ours.runs([noise]), size)
        rows.append(contest_row("noise", ours, noise, size, options.rounds))
    print_summary(rows)


def parse_options() -> argparse.Namespace:
    """The command line; `--quick` means few rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, no figures")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--grid", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.rounds, options.many_rounds = (2, 5) if options.quick else (9, 61)
    return options


def describe(name: str, runs: Sequence[Runs], size: tuple[int, int]) -> None:
    """Print how much there is to encode."""
    share = sum(map(area, runs)) / (len(runs) * size[0] * size[1])
    print(f"{name}: {share:.2%} of the pixels are foreground, {sum(map(len, runs)):,} runs")


def check(runs: Sequence[Runs], grids: Sequence[Maps], size: tuple[int, int]) -> None:
    """End here unless the masks are those of dense interpolation, up to its rounding."""
    dense = sum(enlarge(torch.from_numpy(maps), size).numpy() for maps in grids)
    wrong = 0
    for c, plane in enumerate(dense):
        differs = decode(runs[c], size) != (plane > THRESHOLD)
        wrong += np.count_nonzero(differs & (np.abs(plane - THRESHOLD) >= TOLERANCE))
    if wrong:
        raise SystemExit(f"{wrong} pixels differ from dense interpolation, which measures nothing")


def contest_row(
    name: str,
    ours: Strings,
    maps: Maps,
    size: tuple[int, int],
    rounds: int,
    target: float | None = None,
) -> Row:
    """Against the contest's own path, which starts from logits of the same maps."""
    logits = torch.from_numpy(maps.clip(1e-7, 1 - 1e-7)).logit()
    times = measured(
        f"{name}, maps to strings",
        {"ours": lambda: ours.above([maps]), "contest": lambda: contest_strings(logits, size)},
        rounds,
    )
    row = f"{name}: maps to strings, ms, against the contest's path"
    return compare(row, times["ours"], times["contest"], target)


def floor_rows(ours: Strings, stripes: Stripes, images: Sequence[Maps], rounds: int) -> list[Row]:
    """Against comparing the maps once on their own grid: plain, and class by class in threads."""
    rows = []
    for name, chosen in (("warm", images[:1]), ("cold", images)):
        turns = {key: itertools.cycle(chosen) for key in ("ours", "plain", "threads")}
        times = measured(
            f"{name}, {sum(maps.nbytes for maps in chosen) / 1e6:.0f} MB of maps",
            {
                "ours": lambda turns=turns: ours.above([next(turns["ours"])]),
                "plain": lambda turns=turns: next(turns["plain"]) > THRESHOLD,
                "threads": lambda turns=turns: list(
                    stripes.map(lambda plane: plane > THRESHOLD, next(turns["threads"]))
                ),
            },
            rounds,
        )
        floor = f"{name}: maps to strings, ms, against the floor: `maps > t` on the grid"
        rows.append(compare(floor, times["ours"], times["plain"], 0.5))
        rows.append(compare(f"{floor}, in threads", times["ours"], times["threads"]))
    return rows


def encoder_row(
    ours: Strings, stripes: Stripes, maps: Maps, size: tuple[int, int], rounds: int
) -> Row:
    """Ours from the maps on, against the fastest encoder that is given the finished masks."""
    finished = np.stack([decode(runs, size) for runs in ours.runs([maps])]).view(np.uint8)
    encoders = peer_encoders(finished, stripes)
    words = finished.reshape(-1).view(np.uint64)
    times = measured(
        "ours from maps; encoders of the finished masks",
        {"ours": lambda: ours.above([maps]), **encoders, "floor, reading the masks": words.sum},
        rounds,
    )
    fastest = min(encoders, key=lambda name: times[name].median)
    row = f"maps to strings, ms, against {fastest} of the finished masks alone"
    return compare(row, times["ours"], times[fastest], 1.0)


def peer_encoders(finished: np.ndarray, stripes: Stripes) -> dict[str, Callable[[], object]]:
    """Encoders by name, in the memory order that suits each, in one call and mask by mask.

    `finished` (N, H, W) in C order. Read as (W, H, N) in Fortran order it costs nobody a transpose:
    column-major runs of the transposed masks are the row-major runs of the masks.
    """
    batch = finished.transpose(2, 1, 0)
    return {
        "hotcoco, batch": lambda: hotcoco.mask.encode(batch),
        "hotcoco, threads": lambda: list(stripes.map(hotcoco.mask.encode, [m.T for m in finished])),
        "rlemasklib, batch": lambda: rlemasklib.encode(batch),
        "rlemasklib, threads": lambda: list(
            stripes.map(rlemasklib.encode, [mask.T for mask in finished])
        ),
        "rlemasklib, C order, threads": lambda: list(stripes.map(rlemasklib.encode, finished)),
        "pycocotools, batch": lambda: pycocotools.mask.encode(batch),
    }


def argmax_row(ours: Strings, maps: Maps, size: tuple[int, int], rounds: int) -> Row:
    """Exclusive classes against interpolating all of them."""
    tensor = torch.from_numpy(maps)
    times = measured(
        "exclusive classes",
        {
            "ours": lambda: ours.argmax(maps),
            "contest": lambda: contest_argmax_strings(tensor, size),
        },
        rounds,
    )
    row = "exclusive: maps to strings, ms, against interpolate, argmax, numpy"
    return compare(row, times["ours"], times["contest"])


def grid_rows(ours: Strings, grids: list[Maps], size: tuple[int, int], rounds: int) -> list[Row]:
    """Maps of three grids summed, as row-major and as column-major strings."""
    tensors = [torch.from_numpy(maps) for maps in grids]
    sides = ", ".join(str(maps.shape[1]) for maps in grids)
    rows = []
    for name, ours_of, theirs_of, order in (
        (f"grids {sides} summed", grids, tensors, "row"),
        ("column-major strings", [grids[0] * len(grids)], [tensors[0] * len(grids)], "column"),
    ):
        times = measured(
            name,
            {
                "ours": partial(ours.above, ours_of, order),
                "contest": partial(contest_sum_strings, theirs_of, size, order=order),
            },
            rounds,
        )
        row = f"{name}: maps to strings, ms, against interpolating each"
        rows.append(compare(row, times["ours"], times["contest"]))
    return rows


def three_grids(rng: np.random.Generator, masks: np.ndarray, grid: int) -> list[Maps]:
    """A third of what three members on grids of 1, 3/4 and 1/2 of the side say."""
    sides = (grid, grid * 3 // 4, grid // 2)
    return [soft_maps(rng, masks, side) / np.float32(len(sides)) for side in sides]


def other_images(rng: np.random.Generator, maps: Maps) -> list[Maps]:
    """Maps alike in content, at other places in memory, so many that no cache holds them."""
    count = int(np.ceil(COLD_BYTES / maps.nbytes)) - 1
    shifts = rng.integers(1, maps.shape[2] // 8, count)
    return [np.roll(maps, int(shift), axis=2) for shift in shifts]


def measured(name: str, work: dict[str, Callable[[], object]], rounds: int) -> dict[str, Times]:
    """Run in turn, and print every median with its spread."""
    times = in_turn(work, rounds)
    print(f"\n{name}")
    for key, value in times.items():
        print(f"  {key:32} {value.text()}", flush=True)
    return times


if __name__ == "__main__":
    main()
