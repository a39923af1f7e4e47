"""The graded Dice of a network in training: at full size, against the labels as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ensemble.bit_planes import Label
from ensemble.classes import ClassList
from ensemble.datasets import LabelledFolder
from ensemble.dice import image_dice
from ensemble.masks import argmax_runs, maps_to_runs
from ensemble.members.exactness import compute_exactly
from ensemble.members.manifest import InputSpec
from ensemble.members.member import activate
from ensemble.members.networks import logits_of
from ensemble.members.preprocess import normalise
from ensemble.progress import Progress
from ensemble.streaming import ordered_map
from models_zoo.loader import Kept, label_bytes, read_pixels

_THRESHOLD = 0.5
_READ_THREADS = 4
_DICE_THREADS = 4


@dataclass(frozen=True, slots=True)
class ValidationLabels:
    """The held-out samples and their labels at full size, read once for all members."""

    labelled: LabelledFolder
    labels: Kept[Label]

    @property
    def classes(self) -> ClassList:
        """The class list of the labels."""
        return self.labelled.classes


def read_validation_labels(labelled: LabelledFolder, progress: Progress) -> ValidationLabels:
    """Read all labels once, which also finds every broken one before anything is trained."""
    labels = Kept(lambda index: labelled.read_label(labelled.samples[index]), label_bytes)
    labels.fill(len(labelled.samples), progress, "reading validation labels")
    return ValidationLabels(labelled, labels)


class Validator:
    """Scores networks of one input on the held-out samples."""

    def __init__(
        self, held_out: ValidationLabels, spec: InputSpec, *, batch: int, device: torch.device
    ) -> None:
        compute_exactly()  # in the same precision as prediction
        self._held_out = held_out
        self._spec = spec
        self._device = device
        samples = held_out.labelled.samples
        images: Kept[Tensor] = Kept(
            lambda index: read_pixels(samples[index], spec), lambda pixels: pixels.nbytes
        )
        self._images = images
        self._batch = batch

    def prepare(self, progress: Progress) -> None:
        """Read the images once."""
        self._images.fill(
            len(self._held_out.labelled.samples), progress, "preparing validation images"
        )

    def dice(self, network: nn.Module) -> NDArray[np.float64]:
        """Dice (C,) per class, mean over images: that of `ens predict` without TTA.

        Computed in float32 whatever the training precision, since prediction does so.
        """
        rows = list(
            ordered_map(
                self._image_dice,
                self._soft_maps(network),
                threads=_DICE_THREADS,
                ahead=2 * _DICE_THREADS,
            )
        )
        mean: NDArray[np.float64] = np.mean(rows, axis=0)
        return mean

    def _soft_maps(self, network: nn.Module) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Position and soft map (C, h, w) of every image, a batch at a time."""
        network.eval()
        count = len(self._held_out.labelled.samples)
        images = ordered_map(
            self._images.__getitem__, range(count), threads=_READ_THREADS, ahead=self._batch
        )
        for start in range(0, count, self._batch):
            pixels = torch.stack(list(islice(images, self._batch))).to(self._device)
            with torch.no_grad(), torch.autocast(self._device.type, enabled=False):
                logits = logits_of(network(normalise(pixels, self._spec))).float()
                maps = activate(logits, self._held_out.classes.exclusive, "prob")
            yield from enumerate(maps.cpu().numpy(), start)

    def _image_dice(self, item: tuple[int, NDArray[np.float32]]) -> NDArray[np.float64]:
        index, maps = item
        label = self._held_out.labels[index]
        if self._held_out.classes.exclusive:
            runs = argmax_runs([maps], label.size)
        else:
            limits = np.full(len(maps), _THRESHOLD, np.float32)
            runs = maps_to_runs([maps], limits, label.size)
        return image_dice(runs, label)
