"""The loss of a training step and its gradient, beside those of segmentation-models-pytorch.

    python scripts/bench/losses.py [--quick]

BCE + Dice and the Lovasz hinge of 4 images of 29 overlapping classes at 512 x 512, logits as a
network with channels last answers them. The floor is one sigmoid less the masks, which is the
gradient of BCE without its value. Memory is what a process of its own takes at its peak beyond
logits and masks, the gradient included. Lovasz is also timed for a network that has learnt: most
of its pixels are right by more than the hinge asks for.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable

import torch
from segmentation_models_pytorch.losses import (
    MULTILABEL_MODE,
    DiceLoss,
    LovaszLoss,
    SoftBCEWithLogitsLoss,
)
from torch import Tensor

from ensemble.memory import measured
from measure import compare, in_turn, limit_row, machine, print_summary, run_child
from models_zoo.examples.target import Target
from models_zoo.settings.loss_terms import parse_loss
from models_zoo.training.losses import segmentation_loss

SHAPE = (4, 29, 512, 512)
FOREGROUND = 0.004  # a class, as of hand bones
SURE_LOGIT = 6.0
LEAST_GAIN = 2.0
MOST_SHARE_OF_MEMORY = 0.5

Loss = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    """Time, then memory; with --alone one step of one loss in this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, no figures")
    parser.add_argument("--alone", choices=list(LOSSES), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone is not None:
        run = step(LOSSES[chosen.alone], *inputs(sure=0))
        with measured(torch.device("cpu")) as usage:
            run()
        print(json.dumps({"bytes": usage.peak - usage.before}))
        return
    print(machine("torch", "segmentation-models-pytorch"))
    rounds = 3 if chosen.quick else 15
    fresh, learnt = inputs(sure=0), inputs(sure=SURE_LOGIT)
    times = in_turn({name: step(loss, *fresh) for name, loss in LOSSES.items()}, rounds)
    floor = in_turn({"floor": lambda: fresh[0].sigmoid() - fresh[1]}, rounds)["floor"]
    late = in_turn({name: step(LOSSES[name], *learnt) for name in (OUR_LOVASZ, LOVASZ)}, rounds)
    extra = {
        name: run_child([sys.executable, __file__, "--alone", name]).result["bytes"]
        for name in (OURS, SMP)
    }
    gradient = round(4 * math.prod(SHAPE) / 1e6)
    for name, size in extra.items():
        print(
            f"{name}: {size / 1e6:.0f} MB beyond logits and masks, for a gradient of {gradient} MB"
        )
    print_summary(
        [
            compare("BCE + Dice, ms", times[OURS], times[SMP], LEAST_GAIN),
            compare("BCE + Dice against the floor, ms", times[OURS], floor),
            compare("Lovasz, ms", times[OUR_LOVASZ], times[LOVASZ]),
            compare("Lovasz of sure logits, ms", late[OUR_LOVASZ], late[LOVASZ]),
            limit_row("share of memory", extra[OURS] / extra[SMP], MOST_SHARE_OF_MEMORY),
        ]
    )


def ours(text: str) -> Loss:
    """A loss as zoo.yaml writes it."""
    terms, counted = parse_loss(text), torch.ones(SHAPE[0], 1, *SHAPE[2:])

    def loss(logits: Tensor, masks: Tensor) -> Tensor:
        return segmentation_loss(terms, logits, Target(masks, counted, exclusive=False))

    return loss


def smp_bce_dice() -> Loss:
    """The sum of smp's two, of masks as it wants them."""
    bce, dice = SoftBCEWithLogitsLoss(), DiceLoss(MULTILABEL_MODE)

    def loss(logits: Tensor, masks: Tensor) -> Tensor:
        truth = masks.float()
        total: Tensor = bce(logits, truth) + dice(logits, truth)
        return total

    return loss


OURS, SMP, OUR_LOVASZ, LOVASZ = "ours", "smp", "ours, Lovasz", "smp, Lovasz"
LOSSES: dict[str, Loss] = {
    OURS: ours("bce_dice"),
    SMP: smp_bce_dice(),
    OUR_LOVASZ: ours("lovasz"),
    LOVASZ: LovaszLoss(MULTILABEL_MODE),
}


def inputs(sure: float) -> tuple[Tensor, Tensor]:
    """Logits, noise around `sure` on the right side, and masks (N, C, h, w) uint8."""
    torch.manual_seed(0)
    masks = torch.rand(SHAPE) < FOREGROUND
    logits = torch.randn(SHAPE).add_(sure * (2 * masks.float() - 1))
    return logits.contiguous(memory_format=torch.channels_last), masks.to(torch.uint8)


def step(loss: Loss, logits: Tensor, masks: Tensor) -> Callable[[], None]:
    """The loss and the gradient of the logits."""
    logits = logits.detach().requires_grad_()

    def run() -> None:
        logits.grad = None
        loss(logits, masks).backward()

    return run


if __name__ == "__main__":
    main()
