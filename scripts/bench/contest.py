"""What the contest's notebooks do with a network's answer, to compare with."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate


def contest_rle(mask: NDArray[np.bool_]) -> str:
    """The "start length" string of a mask (H, W), row-major, base 1, in numpy."""
    pixels = np.concatenate([[0], mask.flatten(), [0]])
    runs = np.where(pixels[1:] != pixels[:-1])[0] + 1
    runs[1::2] -= runs[::2]
    return " ".join(str(number) for number in runs)


@torch.inference_mode()
def contest_strings(logits: Tensor, size: tuple[int, int]) -> list[str]:
    """Strings of the masks (C, H, W) of logits (C, h, w): interpolate, sigmoid, compare, encode."""
    probs = torch.sigmoid(enlarge(logits, size))
    return [contest_rle(mask) for mask in (probs > 0.5).numpy()]


@torch.inference_mode()
def contest_sum_strings(grids: list[Tensor], size: tuple[int, int], *, order: str) -> list[str]:
    """Strings of the masks where the sum of maps (C, h_g, w_g), each enlarged, is above .5."""
    total = enlarge(grids[0], size)
    for maps in grids[1:]:
        total += enlarge(maps, size)
    masks = (total > 0.5).numpy()
    return [contest_rle(mask if order == "row" else mask.T) for mask in masks]


@torch.inference_mode()
def contest_argmax_strings(maps: Tensor, size: tuple[int, int]) -> list[str]:
    """Strings of exclusive classes: interpolate (C, h, w), argmax, then class by class."""
    labels = enlarge(maps, size).argmax(0).numpy()
    return [contest_rle(labels == c) for c in range(len(maps))]


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (C, h, w) bilinearly (align_corners=False) at (H, W) = size."""
    return interpolate(maps[None], size, mode="bilinear", align_corners=False)[0]
