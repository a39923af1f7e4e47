"""What `ens predict` takes beyond the forward passes of its members: time and memory.

    python scripts/bench/predict.py [--quick] [--device auto]

Three members of different architectures and sizes look at phantom images of 2048 x 2048 and their
mirror images. Whatever is measured runs in a process of its own, in turn with the same members'
bare forward passes over inputs that lie ready. "predict()" is the work on all images after one for
warming up; "ens predict" is the whole command, from the start of Python to the finished file.
Memory is the peak RSS of the whole command above that of the bare forward passes.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from measure import Child, Row, Times, compare, in_rounds, machine, print_summary, run_child

TARGETS = {"cpu": 1.10, "cuda": 1.25}  # times the bare forward passes
FLAT = 1.10
MOST_MB = 600
ALL_VIEWS = "d4"
ENS = [sys.executable, "-c", "from ensemble.cli.main import main; main()"]


@dataclass(frozen=True, slots=True)
class Case:
    """Members and views that look at the images of a folder."""

    members: tuple[Path, ...]
    images: Path
    device: str
    views: str = "hflip"

    def command(self, out: Path) -> Child:
        """`ens predict`, whole."""
        options = ["--tta", self.views, "--device", self.device, "--out", out]
        return run_child([*ENS, "predict", self.images, "--members", self.names, *options])

    def part(self, name: str) -> Child:
        """`predict()` ("flow") or its networks alone ("forward"), timed inside of the child."""
        options = ["--members", self.names, "--images", self.images, "--views", self.views]
        return run_child([sys.executable, __file__, name, *options, "--device", self.device])

    @property
    def names(self) -> str:
        """The members as options take them."""
        return ",".join(map(str, self.members))


def main() -> None:
    """Run the bench, or as a child one of its parts."""
    options = parse_options()
    if options.part:
        print(json.dumps(PARTS[options.part](options)))
        return
    from ensemble.members.roster import choose_device

    device = choose_device(options.device).type
    print(machine("numpy", "numba", "torch", "segmentation-models-pytorch"))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options, device)
        rows = [*bench.time_rows(), *bench.memory_rows()]
    print_summary(rows)


def parse_options() -> argparse.Namespace:
    """The command line of the bench and of its children."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quick", action="store_true", help="few images: a look, no figures")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, help="of every timed pair; 5, or 1 with --quick")
    parser.set_defaults(part=None)
    parts = parser.add_subparsers(help="run by the bench itself")
    for name in PARTS:
        part = parts.add_parser(name)
        part.set_defaults(part=name)
        part.add_argument("--members", required=True)
        part.add_argument("--images", type=Path, required=True)
        part.add_argument("--views", required=True)
        part.add_argument("--device", default="auto")
    options = parser.parse_args()
    options.count, options.many = (2, 6) if options.quick else (24, 1000)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.few = 2 if options.quick else 10
    return options


class Bench:
    """Draws images and writes members into a folder, then measures with them."""

    def __init__(self, folder: Path, options: argparse.Namespace, device: str) -> None:
        from phantom_zoo import THREE, Recipe, draw_images, link_images, write_members

        self._out, self._options, self._device = folder / "predictions.csv", options, device
        drawn = draw_images(folder / "phantom", 4, options.size)
        self._three = write_members(folder / "three", THREE, drawn[0])
        # one grid, so that what grows is only the number of members
        alike = [Recipe(THREE[n % 3].arch, THREE[n % 3].encoder, 512) for n in range(8)]
        self._eight = write_members(folder / "eight", alike, drawn[0])
        self._images = {
            count: link_images(folder / f"images-{count}", drawn, count)
            for count in {options.count, options.few, options.many}
        }

    def time_rows(self) -> list[Row]:
        """predict() and the whole command against the bare forward passes of as many images."""
        count, case = self._options.count, self._case(self._three)
        case = replace(case, images=self._images[count])
        runs = {
            "predict()": lambda: case.part("flow").result["wall_s"],
            "ens predict": lambda: case.command(self._out).wall_s,
            "forward passes": lambda: case.part("forward").result["wall_s"],
        }
        results = in_rounds(runs, self._options.rounds)
        named = {name: Times(tuple(seconds)) for name, seconds in results.items()}
        print(f"\n{count} images, 3 members, hflip, on {self._device}")
        for name, times in named.items():
            print(f"  {name:16} {times.text(1, 's')}", flush=True)
        print(f"  {describe(self._out, self._options.size)}")
        bare = named.pop("forward passes")
        target = 1 / TARGETS[self._device]
        end = f" of {count} images, s, against bare forward passes"
        return [compare(name + end, times, bare, target, 1) for name, times in named.items()]

    def memory_rows(self) -> list[Row]:
        """Peaks above the forward passes as members, views and images become more."""
        few, many = self._options.few, self._options.many
        single = self._case(self._eight[:1])
        three = self._above("3 members on 3 grids, hflip", self._case(self._three))
        members = [
            self._above("1 member, hflip", single),
            self._above("8 members, hflip", self._case(self._eight)),
        ]
        views = [
            self._above("1 member, 1 view", replace(single, views="")),
            self._above("1 member, 8 views", replace(single, views=ALL_VIEWS)),
        ]
        images = self._above(
            f"1 member, 1 view, {many} images", replace(single, views="", images=self._images[many])
        )
        most = max(three, *members, *views, images)
        limit = "the most of these: MB above forward, against the limit"
        return [
            Row(limit, most, MOST_MB, MOST_MB / most, 1),
            growth("members 1 to 8: MB above forward", *members),
            growth("views 1 to 8: MB above forward", *views),
            growth(f"images {few} to {many}: MB above forward", views[0], images),
        ]

    def _case(self, members: Sequence[Path]) -> Case:
        images = self._images[self._options.few]
        return Case(tuple(members), images, self._device)

    def _above(self, name: str, case: Case) -> float:
        """Median over rounds of the megabytes that the command takes above the forward passes."""
        few = replace(case, images=self._images[self._options.few])  # the peak of every pass
        pairs = [
            (case.command(self._out).peak_bytes / 1e6, few.part("forward").peak_bytes / 1e6)
            for _ in range(min(self._options.rounds, 3) if case.images == few.images else 1)
        ]
        above = statistics.median(ours - bare for ours, bare in pairs)
        print(f"  {name:28} {above:.0f} MB above {pairs[0][1]:.0f} MB", flush=True)
        return above


def growth(name: str, few: float, many: float) -> Row:
    """A row that holds if many take at most FLAT times as much as few."""
    return Row(name, many, few, few / many, 1 / FLAT)


def describe(predictions: Path, size: int) -> str:
    """How much foreground, and how many runs, a file of masks of (size, size) holds."""
    with predictions.open(newline="") as stream:
        masks = [row["rle"].split() for row in csv.DictReader(stream)]
    area = sum(int(length) for mask in masks for length in mask[1::2])
    runs = sum(len(mask) // 2 for mask in masks) / len(masks)
    return f"masks: {area / (len(masks) * size**2):.2%} foreground, {runs:.0f} runs each"


# What children do. They import for themselves: the forward passes shall not pay for our engine.


def run_flow(options: argparse.Namespace) -> dict[str, float]:
    """`predict()` of a folder, after one image for warming up."""
    from ensemble.data.datasets import open_images
    from ensemble.fusion.ensembles import load_ensemble
    from ensemble.members.member import RunOptions
    from ensemble.predict import predict

    images = open_images(options.images)
    ensemble = load_ensemble(
        [options.members], views=options.views, options=RunOptions(device=options.device)
    )
    with tempfile.TemporaryDirectory() as scratch:
        first = replace(images, samples=images.samples[:1])
        predict(ensemble, first, Path(scratch) / "warm-up.csv")
        start = time.perf_counter()
        predict(ensemble, images, Path(scratch) / "predictions.csv")
        return {"wall_s": time.perf_counter() - start}


def run_forward(options: argparse.Namespace) -> dict[str, float]:
    """The networks alone, in the batches that predict() makes, once for each image of a folder."""
    import torch

    from ensemble.images.reading import list_images
    from ensemble.maps.views import parse_views
    from ensemble.members.roster import choose_device, find_members, load_members
    from phantom_zoo import network_input

    device = choose_device(options.device)
    images = list_images(options.images)
    views = parse_views(options.views)
    batches = []
    for member in load_members(find_members([options.members]), device):
        batch = network_input(images[0], member.manifest.input).to(device)
        seen = torch.cat([view.apply(batch, member.manifest.stride) for view in views])
        batches += [(member.network, together) for together in seen.split(member.at_once)]

    @torch.inference_mode()
    def forward(passes: int) -> float:
        start = time.perf_counter()
        for _ in range(passes):
            for network, batch in batches:
                network(batch)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    forward(1)
    return {"wall_s": forward(len(images))}


PARTS = {"flow": run_flow, "forward": run_forward}


if __name__ == "__main__":
    main()
