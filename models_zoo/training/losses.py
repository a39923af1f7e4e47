"""Training losses on logits, for overlapping and for exclusive classes, with ignored pixels.

Dice and Tversky sum over the whole batch, as in nnU-Net (Isensee et al. 2021), so that a class that
one image lacks is no special case. Those of libraries take no ignored pixels where classes overlap,
and mix all classes into one Lovasz loss. They also hold some ten float32 arrays as large as all
logits at once; here a few classes take their turn, where classes overlap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as nnf

from models_zoo.examples.target import Target
from models_zoo.settings.loss_terms import LossTerm

# Keeps 0 / 0 at 1, and the gradient small for classes of a few pixels.
_DICE_SMOOTH = 1.0
_LEAST = 1e-6
# Logits that are worked on together: few enough for the caches of a CPU, enough to fill a GPU.
_AT_ONCE = {"cuda": 1 << 24}
_AT_ONCE_ON_CPU = 1 << 20


def segmentation_loss(terms: Sequence[LossTerm], logits: Tensor, target: Target) -> Tensor:
    """The loss of logits (N, C, h, w), a float32 scalar also under autocast.

    For exclusive classes cross entropy and the softmax take the places of binary cross entropy and
    the sigmoid.
    """
    if target.exclusive:
        return _sum(terms, logits.float(), target.of(slice(None)))
    loss: Tensor = _InParts.apply(logits, terms, target)
    return loss


class _InParts(torch.autograd.Function):
    """The loss of overlapping classes, and its gradient at once, for a few classes at a time.

    A loss is a mean over classes, and none depends on the logits of another: so what is computed on
    the way to a gradient is there for these few only.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, terms: Sequence[LossTerm], target: Target) -> Tensor:
        # networks answer with channels last; in this copy a class lies together, until its gradient
        # takes the place of its logits
        gradient = logits.detach().clone(memory_format=torch.contiguous_format)
        loss = torch.zeros((), device=logits.device)
        for classes in _parts(logits):
            part = target.of(classes)
            own = gradient[:, classes].float().requires_grad_()
            with torch.enable_grad():
                share = part.weights.sum() / target.weights.sum()
                value = share * _sum(terms, own, part)
            (gradient[:, classes],) = torch.autograd.grad(value, own)
            loss += value.detach()
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        # in place, which torch notices where anybody goes back a second time
        return gradient.mul_(upstream), None, None


def _parts(logits: Tensor) -> Iterator[slice]:
    """The classes of logits (N, C, h, w), those together that are worked on together."""
    count, num_classes, height, width = logits.shape
    together = _AT_ONCE.get(logits.device.type, _AT_ONCE_ON_CPU) // (count * height * width)
    step = max(together, 1)
    return (slice(start, start + step) for start in range(0, num_classes, step))


def _sum(terms: Sequence[LossTerm], logits: Tensor, target: Target) -> Tensor:
    loss = logits.new_zeros(())
    for term in terms:
        loss = loss + term.factor * _LOSSES[term.name](logits, target, *term.values)
    return loss


def cross_entropy(logits: Tensor, target: Target) -> Tensor:
    """Mean over counted pixels, and over classes where they overlap."""
    return _pixel_mean(_pixel_cross_entropy(logits, target), target)


def focal(logits: Tensor, target: Target, gamma: float) -> Tensor:
    """Cross entropy, each pixel weighted by (1 - p) ** gamma, p the probability of its truth."""
    entropy = _pixel_cross_entropy(logits, target)
    # a pixel that is surely right has no slope, which 0 ** gamma would have for gamma < 1
    doubt = (1 - torch.exp(-entropy)).clamp(min=_LEAST)
    return _pixel_mean(doubt**gamma * entropy, target)


def boundary(logits: Tensor, target: Target, radius_px: float, weight: float) -> Tensor:
    """Cross entropy in which pixels at most `radius_px` from a boundary count `weight` times.

    Distance is that of a square: where not all of 2 r + 1 by 2 r + 1 pixels are in or out. For
    exclusive classes the boundary of any class counts; where they overlap each class is a mean of
    its own, so that one with much boundary counts no more than others.
    """
    reach = int(radius_px)
    side = 2 * reach + 1
    share = target.masks
    for window, padding in (((side, 1), (reach, 0)), ((1, side), (0, reach))):
        share = nnf.avg_pool2d(share, window, 1, padding, count_include_pad=False)
    near = ((share > 0) & (share < 1)).float()  # means of equal values are exact
    if target.exclusive:
        near = near.amax(1, keepdim=True)
    return _pixel_mean(_pixel_cross_entropy(logits, target), target, 1 + (weight - 1) * near)


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
    errors = errors * counted
    truth = masks * counted
    # pixels without an error add nothing, and are most of those of a network that has learnt
    wrong = max(int((errors > 0).sum(1).max()), 1)
    ranked, order = errors.topk(wrong, dim=1)
    steps = _jaccard_steps(truth.gather(1, order), truth.sum(1, keepdim=True))
    losses = (ranked.clamp(min=0) * steps).sum(1)
    if not target.exclusive:
        return _class_mean(losses, target)
    shown = (truth.sum(1) > 0).float() * target.weights
    return (losses * shown).sum() / shown.sum().clamp(min=_LEAST)


def _jaccard_steps(truth: Tensor, total: Tensor) -> Tensor:
    """How much 1 - IoU grows with each pixel that is wrong too; (C, P) of 0 and 1, in order.

    `total` (C, 1): pixels of each class, with those that are not among the P.
    """
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
    entropy: Tensor = _BinaryCrossEntropy.apply(logits, target.masks)
    return entropy


class _BinaryCrossEntropy(torch.autograd.Function):
    """That of logits and masks of the same shape, pixel by pixel.

    By log2, which torch computes on a CPU thirteen times faster than the log1p of its own function.
    Its argument lies in 1 to 2, so the value is off by an epsilon of 1 at most.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, masks: Tensor) -> Tensor:
        ctx.save_for_backward(logits, masks)
        log = torch.log2(1 + torch.exp(-logits.abs()))
        return logits.clamp(min=0) - logits * masks + math.log(2) * log

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None]:
        logits, masks = ctx.saved_tensors
        return upstream * (logits.sigmoid() - masks), None


def _pixel_mean(values: Tensor, target: Target, near: Tensor | None = None) -> Tensor:
    """Mean over counted pixels, then over classes; over pixels by the class that an exclusive one
    has.
    """
    weights = target.counted
    if target.exclusive:
        of_truth = target.masks * target.weights.view(1, -1, 1, 1)
        weights = weights * of_truth.sum(1, keepdim=True)
    if near is not None:
        weights = weights * near
    axes = (0, 2, 3)
    means = (values * weights).sum(axes) / weights.sum(axes).clamp(min=_LEAST)
    return means.sum() if target.exclusive else _class_mean(means, target)


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
