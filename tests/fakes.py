"""Tiny members: real networks of a single convolution, so that a prediction takes no time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from ensemble.classes import ClassList
from ensemble.members.file import write_member
from ensemble.members.manifest import InputSpec, Manifest, NetworkSpec, WindowSpec, class_field
from ensemble.members.member import Member, RunOptions
from ensemble.members.networks import build_network


def manifest(
    name: str, classes: ClassList, size: tuple[int, int], window: WindowSpec | None = None
) -> Manifest:
    return Manifest(
        name=name,
        network=NetworkSpec(library="smp", arch="unet", encoder="resnet18"),
        classes=class_field(classes),
        input=InputSpec(size=size, window=window),
        activation="softmax" if classes.exclusive else "sigmoid",
        stride=4,
        project_version="test",
    )


def tiny_member(
    name: str,
    classes: ClassList,
    size: tuple[int, int],
    seed: int = 0,
    *,
    window: WindowSpec | None = None,
    at_once: int = 1,
) -> Member:
    """A member whose soft maps vary over the image and between seeds."""
    generator = torch.Generator().manual_seed(seed)
    network = nn.Conv2d(3, len(classes), 3, padding=1)
    with torch.no_grad():
        network.weight.normal_(0, 0.7, generator=generator)
        network.bias.normal_(0, 0.3, generator=generator)
    return Member(
        manifest(name, classes, size, window),
        network,
        device=torch.device("cpu"),
        sha256=f"{seed:064x}",
        options=RunOptions(at_once=at_once),
    )


def write_member_file(path: Path, classes: ClassList, size: tuple[int, int], seed: int = 0) -> Path:
    """A member file of a small real network, named after the file."""
    spec = NetworkSpec(
        library="smp",
        arch="unet",
        encoder="mobilenet_v2",
        options={"decoder_channels": [8, 8, 8, 8, 8]},
    )
    torch.manual_seed(seed)
    network = build_network(spec, in_channels=3, num_classes=len(classes))
    described = manifest(path.stem, classes, size).model_copy(
        update={"network": spec, "stride": 32}
    )
    write_member(path, described, network.state_dict())
    return path


def smooth_image(size: tuple[int, int], seed: int = 0, dtype: type = np.uint8) -> np.ndarray:
    """An image (H, W, 3) of soft blobs over the whole range of its dtype."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    planes = [
        np.sin(rows / rng.uniform(3, 9) + rng.uniform(0, 6))
        * np.cos(columns / rng.uniform(3, 9) + rng.uniform(0, 6))
        for _ in range(3)
    ]
    top = np.iinfo(dtype).max
    return ((np.stack(planes, axis=-1) + 1) / 2 * top).astype(dtype)


def write_images(folder: Path, sizes: dict[str, tuple[int, int]]) -> None:
    """PNG files of smooth images, by relative path."""
    import cv2

    for seed, (name, size) in enumerate(sizes.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), smooth_image(size, seed))
