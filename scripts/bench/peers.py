"""The same members, views and images through what people use otherwise: MONAI, toolbelt, ttach.

    pip install -e '.[bench]' && pip install --no-deps monai pytorch-toolbelt
    python scripts/bench/peers.py [--quick] [--device auto]

(--no-deps: one asks for another build of OpenCV; all that they use here comes with this project.)
Three members, hflip, 29 overlapping classes, masks at 2048 x 2048 as run-length rows in a CSV. Each
runs in a process of its own, after one image for warming up. Peers are written as their guides
recommend, under inference_mode, with two DataLoader workers that decode and resize ahead; memory is
that of the main process, without those workers. Encoding is the contest's numpy function, since
none of them brings one for this format. Last, their masks are compared with ours.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from predict import Case
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from contest import contest_rle, enlarge
from measure import Child, Row, Times, compare, in_rounds, machine, print_summary, run_child

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WORKERS = 2

Inputs = Mapping[int, Tensor]  # network inputs (1, 3, h, h) by side
Prediction = Callable[[Inputs], Tensor]  # (C, H, W) of masks


@dataclass(frozen=True, slots=True)
class Network:
    """A network that answers with probabilities, and the side of its input."""

    probs: nn.Module
    side: int


def monai_prediction(networks: Sequence[Network], size: tuple[int, int]) -> Prediction:
    """MONAI's inferer and post-transforms; its test-time augmentation draws views at random."""
    from monai.inferers import SimpleInferer
    from monai.transforms import AsDiscrete, Flip, MeanEnsemble, Resize

    infer, flip, mean = SimpleInferer(), Flip(spatial_axis=1), MeanEnsemble()
    resize = Resize(size, mode="bilinear", align_corners=False)
    discrete = AsDiscrete(threshold=0.5)

    def predict(inputs: Inputs) -> Tensor:
        members = []
        for network in networks:
            image = inputs[network.side][0]
            views = [
                infer(image[None], network.probs)[0],
                flip(infer(flip(image)[None], network.probs)[0]),
            ]
            members.append(resize(mean(views)))
        return discrete(mean(members)).bool()

    return predict


def toolbelt_prediction(networks: Sequence[Network], size: tuple[int, int]) -> Prediction:
    """pytorch-toolbelt's Ensembler over members in GeneralizedTTA, each brought to full size."""
    from pytorch_toolbelt.inference import tta
    from pytorch_toolbelt.inference.ensembling import Ensembler

    class FullSize(nn.Module):
        def __init__(self, network: Network) -> None:
            super().__init__()
            self._side = network.side
            self._network = tta.GeneralizedTTA(
                network.probs,
                augment_fn=tta.fliplr_image_augment,
                deaugment_fn=tta.fliplr_image_deaugment,
            )

        def forward(self, inputs: Inputs) -> Tensor:
            return enlarge(self._network(inputs[self._side])[0], size)

    ensemble = Ensembler([FullSize(network) for network in networks], reduction="mean")
    return lambda inputs: ensemble(inputs) > 0.5


def ttach_prediction(networks: Sequence[Network], size: tuple[int, int]) -> Prediction:
    """The loop that people write around ttach: a running sum at full size."""
    import ttach

    wrapped = [
        (network.side, ttach.SegmentationTTAWrapper(network.probs, ttach.aliases.hflip_transform()))
        for network in networks
    ]

    def predict(inputs: Inputs) -> Tensor:
        total: Tensor | None = None
        for side, model in wrapped:
            maps = enlarge(model(inputs[side])[0], size)
            total = maps if total is None else total.add_(maps)
        return total.div_(len(wrapped)) > 0.5

    return predict


PEERS = {"MONAI": monai_prediction, "toolbelt": toolbelt_prediction, "ttach": ttach_prediction}


class Inputs2048(Dataset[dict[int, Tensor]]):
    """Images, decoded, resized to every side that a member looks at, and normalised."""

    def __init__(self, images: Sequence[Path], sides: Sequence[int]) -> None:
        self._images = images
        self._sides = sorted(set(sides))

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> dict[int, Tensor]:
        image = cv2.cvtColor(cv2.imread(str(self._images[index])), cv2.COLOR_BGR2RGB)
        return {side: self._input(image, side) for side in self._sides}

    def _input(self, image: np.ndarray, side: int) -> Tensor:
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        scaled = (small.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
        return torch.from_numpy(scaled.transpose(2, 0, 1).copy())[None]


@torch.inference_mode()
def run_peer(options: argparse.Namespace) -> dict[str, float]:
    """Predict a folder into a CSV; seconds after the first image, which is done twice."""
    images = sorted(options.images.iterdir())
    device = torch.device(options.device)
    members = [torch.load(path, weights_only=True) for path in options.members.split(",")]
    networks = [Network(build(member).to(device), side_of(member)) for member in members]
    names = members[0]["manifest"]["classes"]["names"]
    predict = PEERS[options.peer](networks, (options.size, options.size))
    inputs = Inputs2048(images, [network.side for network in networks])
    predict({side: batch.to(device) for side, batch in inputs[0].items()})
    start = time.perf_counter()
    rows = []
    loader = DataLoader(inputs, batch_size=None, num_workers=WORKERS)
    for path, batches in zip(images, loader, strict=True):
        masks = predict({side: batch.to(device) for side, batch in batches.items()})
        strings = map(contest_rle, masks.cpu().numpy())
        rows += [(path.name, *pair) for pair in zip(names, strings, strict=True)]
    with options.out.open("w", newline="") as stream:
        csv.writer(stream).writerows([("image_name", "class", "rle"), *rows])
    return {"wall_s": time.perf_counter() - start}


def build(member: Mapping[str, Mapping]) -> nn.Module:
    """The network of a member file, as smp makes it, with a sigmoid after it."""
    import segmentation_models_pytorch as smp

    manifest = member["manifest"]
    spec, classes = manifest["network"], len(manifest["classes"]["names"])
    network = smp.create_model(spec["arch"], spec["encoder"], None, classes=classes)
    network.load_state_dict(member["state_dict"])
    return nn.Sequential(network, nn.Sigmoid()).eval()


def side_of(member: Mapping[str, Mapping]) -> int:
    """Pixels a side of the input."""
    return member["manifest"]["input"]["size"][0]


def main() -> None:
    """Run everybody in turn, or as a child one peer."""
    options = parse_options()
    if options.peer:
        print(json.dumps(run_peer(options)))
        return
    from ensemble.members.roster import choose_device

    options.device = str(choose_device(options.device))
    print(machine("torch", "segmentation-models-pytorch", "monai", "pytorch-toolbelt", "ttach"))
    with tempfile.TemporaryDirectory() as folder:
        rows = bench(Path(folder), options)
    print_summary(rows)


def parse_options() -> argparse.Namespace:
    """The command line of the bench and of its children."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--quick", action="store_true", help="few images: a look, no figures")
    child = parser.add_argument_group("run by the bench itself")
    child.add_argument("--peer", choices=PEERS)
    child.add_argument("--members")
    child.add_argument("--images", type=Path)
    child.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.count, options.rounds = (2, 1) if options.quick else (12, 5)
    return options


def bench(folder: Path, options: argparse.Namespace) -> list[Row]:
    """Time, memory and masks of all, as rows against each peer."""
    from phantom_zoo import THREE, draw_images, link_images, write_members

    drawn = draw_images(folder / "phantom", 4, options.size)
    members = write_members(folder / "members", THREE, drawn[0])
    images = link_images(folder / "images", drawn, options.count)
    case = Case(tuple(members), images, options.device)
    runs = {"ens": lambda: case.part("flow")} | {
        name: lambda name=name: run_as_child(name, case, options.size, folder) for name in PEERS
    }
    children = in_rounds(runs, options.rounds)
    seconds = {
        name: Times(tuple(child.result["wall_s"] / options.count for child in ended))
        for name, ended in children.items()
    }
    peaks = {
        name: Times(tuple(float(child.peak_bytes) for child in ended))
        for name, ended in children.items()
    }
    print(f"\n{options.count} images of {options.size} x {options.size} on {options.device}")
    for name in runs:
        print(f"  {name:10} {seconds[name].text(1, 's an image')}; {peaks[name].text(1e-6, 'MB')}")
    ours = folder / "ens.csv"
    case.command(ours)
    for name in PEERS:
        print(f"  {name}: {agreement(ours, csv_of(folder, name), options.size)}")
    return [
        row
        for name in PEERS
        for row in (
            compare(f"s an image, against {name}", seconds["ens"], seconds[name], scale=1),
            compare(f"peak MB, against {name}", peaks["ens"], peaks[name], scale=1e-6),
        )
    ]


def run_as_child(name: str, case: Case, size: int, folder: Path) -> Child:
    """A peer in a process of its own, which leaves its CSV in the folder."""
    options = ["--members", case.names, "--images", case.images, "--size", str(size)]
    options += ["--device", case.device, "--out", csv_of(folder, name)]
    return run_child([sys.executable, __file__, "--peer", name, *options])


def csv_of(folder: Path, name: str) -> Path:
    """Where a peer leaves its predictions."""
    return folder / f"{name}.csv"


def agreement(ours: Path, theirs: Path, size: int) -> str:
    """In how many pixels, of those that either calls foreground, two files of masks differ."""
    from ensemble.runs.rle import decode, parse_rle

    differing = either = 0
    other = read_strings(theirs)
    for key, text in read_strings(ours).items():
        a, b = (decode(parse_rle(rle, (size, size)), (size, size)) for rle in (text, other[key]))
        differing += np.count_nonzero(a != b)
        either += np.count_nonzero(a | b)
    return f"{differing:,} of {either:,} foreground pixels differ from ours"


def read_strings(path: Path) -> dict[tuple[str, str], str]:
    """Run-length strings by image and class."""
    with path.open(newline="") as stream:
        return {(row["image_name"], row["class"]): row["rle"] for row in csv.DictReader(stream)}


if __name__ == "__main__":
    main()
