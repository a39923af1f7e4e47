"""Votes and Dice of prediction files in run space, against decoding every mask with numpy.

    python scripts/bench/vote.py [--quick]

Five files of 300 images with 29 rows each, whose masks are those of the phantom at 2048 x 2048,
moved by up to 20 pixels from file to file. Ours is timed from files to file (the vote) and from
files to scores (Dice). Decoding takes minutes for all, so it is timed on one image, whose rows it
gets for nothing, and multiplied. Results are compared on that image first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contest import contest_rle
from ensemble.outputs.rle_csv import Row as CsvRow
from ensemble.outputs.rle_csv import write_predictions
from ensemble.runs.rle import Runs, encode, format_pairs, parse_pairs
from ensemble.runs.rle_table import open_rle_table
from ensemble.runs.run_algebra import dice
from ensemble.vote import VoteSettings, vote_files
from measure import Child, Row, Times, compare, in_turn, machine, print_summary, run_child
from phantom_maps import phantom_masks

NUM_FILES, VARIANTS, MOVE_PX = 5, 8, 20
WEIGHTS, THRESHOLD = (2.0, 1.0, 1.0, 1.0, 0.5), 0.5
FASTER_TARGET, LIMIT_S = 50, 10


def main() -> None:
    """Write the files, check, then measure the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few images and rounds, no figures")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)  # the child that is measured
    parser.add_argument("files", nargs="*", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.out is not None:
        vote_files(options.files, options.out, VoteSettings(WEIGHTS, THRESHOLD))
        return
    images, rounds = (20, 2) if options.quick else (300, 5)
    print(machine("numpy", "numba"))
    with tempfile.TemporaryDirectory() as folder:
        paths = write_files(Path(folder), images, options.size)
        num_bytes = sum(path.stat().st_size for path in paths)
        print(f"{NUM_FILES} files of {images} images, {num_bytes / 1e6:.0f} MB")
        print_summary(measure(paths, Path(folder) / "voted.csv", options.size, images, rounds))


def write_files(folder: Path, num_images: int, size: int) -> list[Path]:
    """Prediction files of moved masks; images repeat after a few."""
    rng = np.random.default_rng(0)
    masks = [encode(mask) for mask in phantom_masks(0, size)]
    paths = [folder / f"{number}.csv" for number in range(NUM_FILES)]
    for path in paths:
        variants = [
            [format_pairs(moved(mask, rng, size)) for mask in masks] for _ in range(VARIANTS)
        ]
        write_predictions(path, table_rows(variants, num_images))
    return paths


def moved(runs: Runs, rng: np.random.Generator, size: int) -> Runs:
    """A mask that lies elsewhere; what would leave the image is left out."""
    down, right = rng.integers(-MOVE_PX, MOVE_PX + 1, 2)
    shifted = runs + np.array([down * size + right, 0])
    return shifted[(shifted[:, 0] >= 0) & (shifted.sum(1) <= size * size)]


def table_rows(variants: Sequence[Sequence[str]], num_images: int) -> Iterator[CsvRow]:
    """One row for every image and class."""
    for image in range(num_images):
        for number, text in enumerate(variants[image % len(variants)]):
            yield f"{image:04}.png", f"class {number}", text


def measure(paths: Sequence[Path], out: Path, size: int, images: int, rounds: int) -> list[Row]:
    """Votes and Dice, ours of all images, and theirs of one, multiplied."""
    tables = [open_rle_table(path) for path in paths]
    first = next(iter(tables[0].places))
    strings = [list(table.strings(first).values()) for table in tables]
    settings = VoteSettings(WEIGHTS, THRESHOLD)
    vote_files(paths, out, settings)
    check(list(open_rle_table(out).strings(first).values()), strings, size)
    times = in_turn(
        {
            "vote": lambda: vote_files(paths, out, settings),
            "numpy vote": lambda: [vote_dense(texts, size) for texts in zip(*strings, strict=True)],
            "dice": lambda: dice_files(paths[:2]),
            "numpy dice": lambda: [
                dice_dense(a, b, size) for a, b in zip(strings[0], strings[1], strict=True)
            ],
        },
        rounds,
    )
    for name in ("numpy vote", "numpy dice"):
        times[name] = Times(tuple(value * images for value in times[name].values))
    child = run_child([sys.executable, __file__, "--out", out, *paths])
    return rows(times, child)


def rows(times: dict[str, Times], child: Child) -> list[Row]:
    """The summary; the process of its own includes imports and, the first time, compiling."""
    for name, value in times.items():
        print(f"  {name:12} {value.text(1, 's')}")
    print(f"  in a process of its own {child.wall_s:.1f} s, peak {child.peak_bytes / 1e6:.0f} MB")
    limit = Times((LIMIT_S,) * len(times["vote"].values))
    return [
        compare("vote, s, against numpy", times["vote"], times["numpy vote"], FASTER_TARGET, 1),
        compare(f"vote, s, against {LIMIT_S} s", times["vote"], limit, 1, 1),
        compare("Dice, s, against numpy", times["dice"], times["numpy dice"], FASTER_TARGET, 1),
    ]


def check(voted: Sequence[str], strings: Sequence[Sequence[str]], size: int) -> None:
    """End here unless votes and Dice of an image are those of numpy."""
    dense = [vote_dense(texts, size) for texts in zip(*strings, strict=True)]
    likeness = [
        abs(dice(parse_pairs(a), parse_pairs(b)) - dice_dense(a, b, size))
        for a, b in zip(strings[0], strings[1], strict=True)
    ]
    if list(voted) != dense or max(likeness) > 1e-12:
        raise SystemExit("votes or Dice differ from those of numpy, which measures nothing")


def dice_files(paths: Sequence[Path]) -> float:
    """Mean Dice of all rows of two files."""
    a, b = (open_rle_table(path) for path in paths)
    scores = [
        dice(parse_pairs(left), parse_pairs(right))
        for image in a.places
        for left, right in zip(a.strings(image).values(), b.strings(image).values(), strict=True)
    ]
    return float(np.mean(scores))


def decode_dense(text: str, size: int) -> NDArray[np.uint8]:
    """The contest's function."""
    numbers = np.array(text.split(), np.int64)
    pixels = np.zeros(size * size, np.uint8)
    for start, length in numbers.reshape(-1, 2):
        pixels[start - 1 : start - 1 + length] = 1
    return pixels.reshape(size, size)


def vote_dense(texts: Sequence[str], size: int) -> str:
    """Decode, add, compare, encode."""
    total = np.zeros((size, size), np.float32)
    for text, weight in zip(texts, WEIGHTS, strict=True):
        total += np.float32(weight) * decode_dense(text, size)
    return contest_rle(total > THRESHOLD * sum(WEIGHTS))


def dice_dense(left: str, right: str, size: int) -> float:
    """Decode, and count."""
    a, b = decode_dense(left, size), decode_dense(right, size)
    return float((2 * (a & b).sum() + 1e-4) / (a.sum() + b.sum() + 1e-4))


if __name__ == "__main__":
    main()
