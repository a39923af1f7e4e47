"""Members that spot bright and dark disks through noise, and folders of such disks."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from ensemble.classes import ClassList
from ensemble.members.member import Member
from fakes import manifest

NAMES = ("bright", "dark")
CLASSES = ClassList(NAMES)


class Spotter(nn.Module):
    """Logits of "bright" and "dark" from the mean of the channels, with noise of its own."""

    def __init__(self, sharpness, noise, channels=2):
        super().__init__()
        self.sharpness, self.noise, self.channels = sharpness, noise, channels

    def forward(self, batch):
        generator = torch.Generator().manual_seed(int(batch.abs().sum() * 100) % 2**31)
        level = batch.mean(1, keepdim=True)
        logits = torch.cat([level - 1.2, -level - 1.2, torch.zeros_like(level)], 1)
        logits = logits[:, : self.channels] * self.sharpness
        noise = torch.tensor(self.noise[: self.channels])[None, :, None, None]
        return logits + noise * torch.randn(logits.shape, generator=generator)


def spotter(
    name: str,
    noise: tuple[float, ...],
    *,
    size: tuple[int, int] = (20, 24),
    classes: ClassList = CLASSES,
    sharpness: float = 3.0,
) -> Member:
    """A member that spots bright and dark disks."""
    spec = manifest(name, classes, size)
    network = Spotter(sharpness, noise, channels=len(classes))
    return Member(
        spec, network, device=torch.device("cpu"), sha256=f"{zlib.crc32(name.encode()):064x}"
    )


def members() -> list[Member]:
    """Three that are noisy in ways of their own."""
    return [
        spotter("steady", (2.0, 2.0)),
        spotter("lights", (0.1, 6.0), size=(28, 20)),
        spotter("wild", (6.0, 6.0)),
    ]


def write_folder(folder: Path, num_images: int = 8, yaml: str = "names: [bright, dark]\n") -> None:
    """Grey images with a bright and a dark disk, masks beside them."""
    (folder / "images").mkdir(parents=True)
    for name in NAMES:
        (folder / "masks" / name).mkdir(parents=True)
    (folder / "classes.yaml").write_text(yaml)
    for i in range(num_images):
        rng = np.random.default_rng(i)
        image = np.full((30, 40), 120, np.uint8)
        for name, value, left in (("bright", 250, 10), ("dark", 10, 30)):
            mask = np.zeros_like(image)
            centre = (left + int(rng.integers(-3, 4)), 15 + int(rng.integers(-4, 5)))
            cv2.circle(mask, centre, int(rng.integers(4, 7)), 255, -1)
            image[mask > 0] = value
            cv2.imwrite(str(folder / "masks" / name / f"p{i}_x.png"), mask)
        cv2.imwrite(str(folder / "images" / f"p{i}_x.png"), image)
