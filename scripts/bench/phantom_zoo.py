"""Members that were never trained and phantom images: speed does not depend on what weights say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ensemble import __version__
from ensemble.classes import HAND_BONES
from ensemble.images.reading import read_image
from ensemble.members.file import write_member
from ensemble.members.manifest import InputSpec, Manifest, NetworkSpec, class_field
from ensemble.members.networks import build_network, logits_of, network_stride
from ensemble.members.preprocess import normalise, prepare_image
from models_zoo.phantom import make_phantom

# Share of the pixels that a member is made to answer each class with. The blobs of members that
# were never trained lie at different places and are ragged: three together answer with one or two
# per cent, in some five times as many runs as bones have.
FOREGROUND = 0.07
_LEAST_PHANTOMS = 6
_SPREAD = 2.0  # standard deviation of logits, that of a sure network


@dataclass(frozen=True, slots=True)
class Recipe:
    """A member to be made: smp's architecture and encoder, pixels a side of its input."""

    arch: str
    encoder: str
    side: int


THREE = (
    Recipe("fpn", "resnet18", 384),
    Recipe("unet", "mobilenet_v2", 448),
    Recipe("segformer", "mit_b0", 512),
)


def write_members(folder: Path, recipes: Sequence[Recipe], image: Path) -> list[Path]:
    """Member files of untrained networks whose answers to an image are sparse blobs."""
    folder.mkdir(parents=True)
    paths = []
    for number, recipe in enumerate(recipes):
        torch.manual_seed(number)
        path = folder / f"{number}-{recipe.arch}.pt"
        spec = NetworkSpec(library="smp", arch=recipe.arch, encoder=recipe.encoder)
        network = build_network(spec, in_channels=3, num_classes=len(HAND_BONES)).eval()
        manifest = Manifest(
            name=path.stem,
            network=spec,
            classes=class_field(HAND_BONES),
            input=InputSpec(size=(recipe.side, recipe.side)),
            activation="sigmoid",
            stride=network_stride(network),
            project_version=__version__,
        )
        make_sparse(network, network_input(image, manifest.input))
        write_member(path, manifest, network.state_dict())
        paths.append(path)
    return paths


def network_input(image: Path, spec: InputSpec) -> Tensor:
    """What a network is fed of an image, (1, channels, h, w) float32."""
    return normalise(torch.from_numpy(prepare_image(read_image(image), spec)[None]), spec)


@torch.inference_mode()
def make_sparse(network: nn.Module, batch: Tensor) -> None:
    """Scale and shift the last layer: FOREGROUND of the logits of each class are above 0.

    Interpolation, which follows the last layer, keeps what is linear.
    """
    last = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]
    logits = logits_of(network(batch)).transpose(0, 1).flatten(1)
    factor = _SPREAD / logits.std(1)
    rank = int(logits.shape[1] * (1 - FOREGROUND))
    least = logits.kthvalue(rank, dim=1).values
    last.weight.mul_(factor[:, None, None, None])
    last.bias.mul_(factor).sub_(factor * least)


def draw_images(folder: Path, count: int, size: int) -> list[Path]:
    """PNG files of phantom hands of (size, size) pixels, at least as many as a phantom needs."""
    make_phantom(folder, images=max(count, _LEAST_PHANTOMS), size=size)
    return sorted(folder.rglob("*.png"))[:count]


def link_images(folder: Path, images: Sequence[Path], count: int) -> Path:
    """A folder of `count` names for a few files."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05d}.png").symlink_to(images[number % len(images)].resolve())
    return folder
