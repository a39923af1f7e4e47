"""Seconds, memory and size of the pages about 300 images of 29 bones at 2048 x 2048.

    python scripts/bench/pages.py [--images 300 --size 2048]

`ens explore`, `ens evaluate --report` and `ens compare --images` as whole processes, each once, on
phantom hands and on predictions whose masks lie up to 6 pixels from the labels. A page may take 3
minutes and 15 MB. The floor is to decode all images once, on as many threads.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ensemble.bit_planes import get_mask
from ensemble.data.datasets import LabelledFolder, open_labelled
from ensemble.images.reading import read_image
from ensemble.outputs.rle_csv import Row as CsvRow
from ensemble.outputs.rle_csv import write_predictions
from ensemble.runs.rle import Runs, encode, format_pairs
from ensemble.streaming import ordered_map
from measure import Row, limit_row, machine, print_summary, run_child
from models_zoo.phantom import make_phantom

NUM_FILES, MOVE_PX, THREADS = 3, 6, 2
MOST_S, MOST_MB = 180, 15
ENS = (sys.executable, "-c", "from ensemble.cli.main import main; main()")


def main() -> None:
    """Draw hands, move their masks, and make each page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--size", type=int, default=2048)
    chosen = parser.parse_args()
    print(machine("numpy", "numba", "opencv-python-headless"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # three of five images are for training
        make_phantom(
            folder / "data", images=-(-chosen.images * 5 // 3), size=chosen.size, workers=2
        )
        data = open_labelled(folder / "data" / "train")
        files = [folder / f"{number}.csv" for number in range(NUM_FILES)]
        for seed, path in enumerate(files):
            write_predictions(path, moved_rows(data, seed))
        train = folder / "data" / "train"
        pages = {
            "explore": ["explore", train],
            "evaluate": ["evaluate", files[0], train],
            "compare": ["compare", *files, "--images", train],
        }
        rows = []
        for kind, words in pages.items():
            option = "--report" if kind == "evaluate" else "--out"
            rows += measure(kind, [*words, option, folder / kind], len(data.samples))
        floor_s = decode_all(data)
        print(f"decoding all images once, {THREADS} threads: {floor_s:.1f} s")
        print_summary(rows)


def measure(kind: str, words: list[str | Path], num_images: int) -> list[Row]:
    """Seconds and megabytes of a page."""
    child = run_child([*ENS, *words])
    folder = Path(words[-1])
    megabytes = (folder / "index.html").stat().st_size / 1e6
    print(f"{kind}: {child.wall_s:.1f} s, peak {child.peak_bytes / 1e9:.2f} GB, {megabytes:.1f} MB")
    return [
        limit_row(f"ens {kind}, {num_images} images, s", child.wall_s, MOST_S),
        limit_row("its page, MB", megabytes, MOST_MB),
    ]


def moved_rows(data: LabelledFolder, seed: int) -> Iterator[CsvRow]:
    """The labels as predictions, each mask moved by a few pixels."""
    rng = np.random.default_rng(seed)

    def masks(number: int) -> list[Runs]:
        sample = data.samples[number]
        label = data.read_label(sample)
        return [encode(get_mask(label.planes, c)) for c in range(len(data.classes))]

    read = ordered_map(masks, range(len(data.samples)), threads=THREADS, ahead=2 * THREADS)
    for sample, runs in zip(data.samples, read, strict=True):
        height, width = read_image(sample.image).shape[:2]
        for name, mask in zip(data.classes.names, runs, strict=True):
            down, right = rng.integers(-MOVE_PX, MOVE_PX + 1, 2)
            shifted = mask + np.array([down * width + right, 0])
            inside = (shifted[:, 0] >= 0) & (shifted.sum(1) <= height * width)
            yield sample.image.name, name, format_pairs(shifted[inside])


def decode_all(data: LabelledFolder) -> float:
    """Seconds to decode every image."""
    start = time.perf_counter()
    images = [sample.image for sample in data.samples]
    for _ in ordered_map(read_image, images, threads=THREADS, ahead=2 * THREADS):
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
