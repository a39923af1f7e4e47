"""What a network should say of a batch, unpacked from bit planes on the device of the network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ensemble.classes import ClassList


@dataclass(frozen=True, slots=True)
class Target:
    """What a network should say.

    `masks` (N, C, h, w) of 0 and 1, of any type; where classes are exclusive each counted pixel has
    exactly one. `counted` (N, 1, h, w) float32: 0 where a pixel is left out of the loss.
    `class_weights` (C,) float32: what each class counts in means over classes; None for all the
    same.
    """

    masks: Tensor
    counted: Tensor
    exclusive: bool
    class_weights: Tensor | None = None

    @property
    def weights(self) -> Tensor:
        """The class weights, (C,)."""
        if self.class_weights is None:
            return self.counted.new_ones(self.masks.shape[1])
        return self.class_weights.to(self.counted)

    def of(self, classes: slice) -> Target:
        """The same of some classes, with masks in float32."""
        masks = self.masks[:, classes].float()
        return Target(masks, self.counted, self.exclusive, self.weights[classes])


def unpack_target(planes: Tensor, ignored: Tensor, classes: ClassList) -> Target:
    """Bit planes (N, K, h, w) int32 to masks (N, C, h, w) uint8 on their own device.

    In an exclusive list a pixel without a class, as a warp brings in at the border, is background,
    or left out of the loss where the list has none.
    """
    count, _, height, width = planes.shape
    masks = planes.new_empty((count, len(classes), height, width), dtype=torch.uint8)
    for index in range(len(classes)):  # one after the other: an int32 of all takes four times that
        masks[:, index] = (planes[:, index // 32] >> (index % 32)) & 1
    counted = (~ignored).unsqueeze(1).to(torch.float32)
    if classes.exclusive:
        bare = (masks.amax(1) == 0) & ~ignored
        if classes.background is None:
            counted = counted * (~bare).unsqueeze(1)
        else:
            masks[:, classes.background][bare] = 1
    return Target(masks, counted, classes.exclusive)
