"""Training losses on logits, for overlapping and for exclusive classes, with ignored pixels.

Dice is that of V-Net (Milletari et al. 2016, arXiv 1606.04797) with the sums taken over the whole
batch, as in nnU-Net (Isensee et al. 2021), so that a class that one image lacks is no special case.
Focal is that of Lin et al. 2017 (arXiv 1708.02002) with gamma 2 and without alpha.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as nnf

from models_zoo.member_spec import LossName

FOCAL_GAMMA = 2.0
# Keeps 0 / 0 at 1, and the gradient small for classes of a few pixels.
_DICE_SMOOTH = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """What a network should say.

    `masks` (N, C, h, w) float32, 0 or 1; where classes are exclusive each counted pixel has exactly
    one. `counted` (N, 1, h, w) float32: 0 where a pixel is left out of the loss.
    """

    masks: Tensor
    counted: Tensor
    exclusive: bool


def segmentation_loss(name: LossName, logits: Tensor, target: Target) -> Tensor:
    """The loss of logits (N, C, h, w), a float32 scalar also under autocast.

    "bce_dice" and "focal_dice" are sums with equal weight. For exclusive classes cross entropy
    and the softmax take the places of binary cross entropy and the sigmoid.
    """
    logits = logits.float()
    loss = logits.new_zeros(())
    if name in ("bce", "bce_dice"):
        loss = loss + cross_entropy(logits, target)
    if name == "focal_dice":
        loss = loss + focal(logits, target)
    if name in ("dice", "bce_dice", "focal_dice"):
        loss = loss + dice(logits, target)
    return loss


def cross_entropy(logits: Tensor, target: Target) -> Tensor:
    """Mean over counted pixels, and over classes where they overlap."""
    return _mean_counted(_pixel_cross_entropy(logits, target), target.counted)


def focal(logits: Tensor, target: Target) -> Tensor:
    """Cross entropy, each pixel weighted by (1 - p) ** gamma, p the probability of its truth."""
    entropy = _pixel_cross_entropy(logits, target)
    return _mean_counted((1 - torch.exp(-entropy)) ** FOCAL_GAMMA * entropy, target.counted)


def dice(logits: Tensor, target: Target) -> Tensor:
    """1 - soft Dice of each class over all counted pixels of the batch, mean over classes."""
    probs = (logits.softmax(1) if target.exclusive else logits.sigmoid()) * target.counted
    masks = target.masks * target.counted
    axes = (0, 2, 3)
    intersection = (probs * masks).sum(axes)
    total = probs.sum(axes) + masks.sum(axes)
    return (1 - (2 * intersection + _DICE_SMOOTH) / (total + _DICE_SMOOTH)).mean()


def _pixel_cross_entropy(logits: Tensor, target: Target) -> Tensor:
    """(N, C, h, w) for overlapping, (N, 1, h, w) for exclusive classes."""
    if target.exclusive:
        return -(target.masks * logits.log_softmax(1)).sum(1, keepdim=True)
    return nnf.binary_cross_entropy_with_logits(logits, target.masks, reduction="none")


def _mean_counted(values: Tensor, counted: Tensor) -> Tensor:
    total = (values * counted).sum()
    return total / (counted.sum() * values.shape[1]).clamp(min=1)
