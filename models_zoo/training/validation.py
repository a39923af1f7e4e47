"""The graded Dice of a network in training: at full size, against the labels as they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ensemble.bit_planes import Label
from ensemble.classes import ClassList
from ensemble.data.datasets import LabelledFolder
from ensemble.dice import image_dice
from ensemble.fusion.ensembles import Ensemble, PreparedImage
from ensemble.fusion.mask_stream import ImageMasks, side_map, stream_masks
from ensemble.fusion.weights import uniform_weights
from ensemble.images.reading import read_image
from ensemble.members.exactness import compute_exactly
from ensemble.members.member import Member, RunOptions
from ensemble.members.networks import network_stride
from ensemble.members.preprocess import prepare_image
from ensemble.progress import Progress
from models_zoo.examples.loader import Kept, label_bytes
from models_zoo.settings.member_spec import MemberSpec

_THREADS = 4


@dataclass(frozen=True, slots=True)
class ValidationLabels:
    """The held-out samples and their labels at full size, read once for all members."""

    labelled: LabelledFolder
    labels: Kept[Label]
    num_processes: int = 1

    @property
    def classes(self) -> ClassList:
        """The class list of the labels."""
        return self.labelled.classes


def read_validation_labels(
    labelled: LabelledFolder, progress: Progress, num_processes: int = 1
) -> ValidationLabels:
    """Read all labels once, which also finds every broken one before anything is trained.

    Each of `num_processes` that do so keeps them in its part of the memory.
    """
    labels = Kept(
        lambda index: labelled.read_label(labelled.samples[index]),
        label_bytes,
        num_processes=num_processes,
    )
    labels.fill(len(labelled.samples), progress, "reading validation labels")
    return ValidationLabels(labelled, labels, num_processes)


class Validator:
    """Scores networks of one member on the held-out samples, as an ensemble of that member."""

    def __init__(
        self, held_out: ValidationLabels, spec: MemberSpec, *, device: torch.device
    ) -> None:
        compute_exactly()  # in the same precision as prediction
        self._held_out = held_out
        self._spec = spec
        self._device = device
        self._images = Kept(self._prepare, _pixel_bytes, num_processes=held_out.num_processes)

    def prepare(self, progress: Progress) -> None:
        """Read the images once."""
        self._images.fill(self._count, progress, "preparing validation images")

    def dice(self, network: nn.Module) -> NDArray[np.float64]:
        """Dice (C,) per class, mean over images: that of `ens predict` without TTA.

        Computed in float32 whatever the training precision, since prediction does so. The network
        is left in evaluation mode.
        """
        ensemble = self._ensemble_of(network)
        in_threads = partial(side_map(ensemble), threads=_THREADS, ahead=_THREADS)
        images = in_threads(lambda i: (i, self._images[i]), range(self._count))
        rows = list(in_threads(self._image_dice, stream_masks(ensemble, images)))
        mean: NDArray[np.float64] = np.mean(rows, axis=0)
        return mean

    @property
    def _count(self) -> int:
        return len(self._held_out.labelled.samples)

    def _prepare(self, index: int) -> PreparedImage:
        image, spec = read_image(self._held_out.labelled.samples[index].image), self._spec.input
        return PreparedImage((image.shape[0], image.shape[1]), {spec: prepare_image(image, spec)})

    def _ensemble_of(self, network: nn.Module) -> Ensemble:
        manifest = self._spec.manifest(self._held_out.classes, stride=network_stride(network))
        # as many at once as fit in training, gradients and all
        options = RunOptions(at_once=self._spec.batch_size)
        members = [Member(manifest, network, device=self._device, options=options)]
        return Ensemble(members, uniform_weights(members))

    def _image_dice(self, masks: ImageMasks[int]) -> NDArray[np.float64]:
        return image_dice(masks.runs, self._held_out.labels[masks.key])


def _pixel_bytes(image: PreparedImage) -> int:
    return sum(pixels.nbytes for pixels in image.pixels.values())
