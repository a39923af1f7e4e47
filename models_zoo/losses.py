"""Training losses on logits, for overlapping and for exclusive classes, with ignored pixels.

Dice and Tversky sum over the whole batch, as in nnU-Net (Isensee et al. 2021), so that a class that
one image lacks is no special case. Those of libraries take no ignored pixels where classes overlap,
and mix all classes into one Lovasz loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as nnf

from models_zoo.loss_terms import LossTerm

# Keeps 0 / 0 at 1, and the gradient small for classes of a few pixels.
_DICE_SMOOTH = 1.0
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Target:
    """What a network should say.

    `masks` (N, C, h, w) float32, 0 or 1; where classes are exclusive each counted pixel has exactly
    one. `counted` (N, 1, h, w) float32: 0 where a pixel is left out of the loss. `class_weights`
    (C,) float32: what each class counts in means over classes; None for all the same.
    """

    masks: Tensor
    counted: Tensor
    exclusive: bool
    class_weights: Tensor | None = None

    @property
    def weights(self) -> Tensor:
        """The class weights, (C,)."""
        if self.class_weights is None:
            return self.masks.new_ones(self.masks.shape[1])
        return self.class_weights.to(self.masks)


def segmentation_loss(terms: Sequence[LossTerm], logits: Tensor, target: Target) -> Tensor:
    """The loss of logits (N, C, h, w), a float32 scalar also under autocast.

    For exclusive classes cross entropy and the softmax take the places of binary cross entropy and
    the sigmoid.
    """
    logits = logits.float()
    loss = logits.new_zeros(())
    for term in terms:
        loss = loss + term.factor * _LOSSES[term.name](logits, target, *term.values)
    return loss


def cross_entropy(logits: Tensor, target: Target) -> Tensor:
    """Mean over counted pixels, and over classes where they overlap."""
    return _weighted_mean(_pixel_cross_entropy(logits, target), target)


def focal(logits: Tensor, target: Target, gamma: float) -> Tensor:
    """Cross entropy, each pixel weighted by (1 - p) ** gamma, p the probability of its truth."""
    entropy = _pixel_cross_entropy(logits, target)
    # a pixel that is surely right has no slope, which 0 ** gamma would have for gamma < 1
    doubt = (1 - torch.exp(-entropy)).clamp(min=_LEAST)
    return _weighted_mean(doubt**gamma * entropy, target)


def boundary(logits: Tensor, target: Target, radius_px: float, weight: float) -> Tensor:
    """Cross entropy in which pixels at most `radius_px` from a boundary count `weight` times.

    Distance is that of a square: where a mask's dilation and erosion by 2 r + 1 pixels differ. For
    exclusive classes the boundary of any class counts.
    """
    reach = int(radius_px)
    side = 2 * reach + 1
    grown = nnf.max_pool2d(target.masks, side, stride=1, padding=reach)
    shrunk = -nnf.max_pool2d(-target.masks, side, stride=1, padding=reach)
    near = grown - shrunk
    if target.exclusive:
        near = near.amax(1, keepdim=True)
    return _weighted_mean(_pixel_cross_entropy(logits, target), target, 1 + (weight - 1) * near)


def dice(logits: Tensor, target: Target) -> Tensor:
    """1 - soft Dice of each class over all counted pixels of the batch, mean over classes."""
    return tversky(logits, target, 0.5, 0.5)


def tversky(logits: Tensor, target: Target, alpha: float, beta: float) -> Tensor:
    """1 - TP / (TP + alpha FP + beta FN) of each class over the batch, mean over classes."""
    probs = _probs(logits, target) * target.counted
    masks = target.masks * target.counted
    axes = (0, 2, 3)
    hit = (probs * masks).sum(axes)
    extra, missed = probs.sum(axes) - hit, masks.sum(axes) - hit
    smooth = _DICE_SMOOTH / 2
    return _class_mean(1 - (hit + smooth) / (hit + alpha * extra + beta * missed + smooth), target)


def lovasz(logits: Tensor, target: Target) -> Tensor:
    """The Lovasz extension of 1 - IoU of each class over the batch's counted pixels.

    Overlapping classes: the hinge, mean over classes. Exclusive ones: of the softmax, mean over the
    classes that the batch shows.
    """
    masks = target.masks.transpose(0, 1).flatten(1)
    counted = target.counted.expand_as(target.masks).transpose(0, 1).flatten(1) > 0
    scores = (_probs(logits, target) if target.exclusive else logits).transpose(0, 1).flatten(1)
    errors = (masks - scores).abs() if target.exclusive else 1 - scores * (2 * masks - 1)
    # pixels without an error of their own come last, where they change nothing
    ranked, order = errors.masked_fill(~counted, -1.0).clamp(min=-1.0).sort(1, descending=True)
    losses = (ranked.clamp(min=0) * _jaccard_steps((masks * counted).gather(1, order))).sum(1)
    if not target.exclusive:
        return _class_mean(losses, target)
    shown = ((masks * counted).sum(1) > 0).float() * target.weights
    return (losses * shown).sum() / shown.sum().clamp(min=_LEAST)


def _jaccard_steps(truth: Tensor) -> Tensor:
    """How much 1 - IoU grows with each pixel that is wrong too; (C, P) of 0 and 1, in order."""
    total = truth.sum(1, keepdim=True)
    left = total - truth.cumsum(1)
    union = total + (1 - truth).cumsum(1)
    loss = 1 - left / union
    return torch.diff(loss, dim=1, prepend=loss.new_zeros(len(loss), 1))


def _probs(logits: Tensor, target: Target) -> Tensor:
    return logits.softmax(1) if target.exclusive else logits.sigmoid()


def _pixel_cross_entropy(logits: Tensor, target: Target) -> Tensor:
    """(N, C, h, w) for overlapping, (N, 1, h, w) for exclusive classes."""
    if target.exclusive:
        return -(target.masks * logits.log_softmax(1)).sum(1, keepdim=True)
    return nnf.binary_cross_entropy_with_logits(logits, target.masks, reduction="none")


def _weighted_mean(values: Tensor, target: Target, near: Tensor | None = None) -> Tensor:
    """Mean over counted pixels by the weights of classes, of exclusive ones that of the truth."""
    of_classes = target.weights.view(1, -1, 1, 1)
    if target.exclusive:
        of_classes = (target.masks * of_classes).sum(1, keepdim=True)
    weights = (target.counted * of_classes).expand_as(values)
    if near is not None:
        weights = weights * near
    return (values * weights).sum() / weights.sum().clamp(min=_LEAST)


def _class_mean(losses: Tensor, target: Target) -> Tensor:
    weights = target.weights
    return (losses * weights).sum() / weights.sum()


_LOSSES: Mapping[str, Callable[..., Tensor]] = {
    "bce": cross_entropy,
    "focal": focal,
    "boundary": boundary,
    "dice": dice,
    "tversky": tversky,
    "lovasz": lovasz,
}
