"""Batches for training: images prepared once, kept while memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Generic, TypedDict, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ensemble.bit_planes import Label, resize_nearest
from ensemble.cores import num_cores
from ensemble.data.datasets import LabelledFolder
from ensemble.free_memory import free_memory_bytes
from ensemble.images.reading import read_image
from ensemble.members.manifest import InputSpec
from ensemble.members.preprocess import prepare_image
from ensemble.progress import Progress
from ensemble.streaming import ordered_map
from models_zoo.examples.augment import Augment, Example
from models_zoo.examples.crops import CropAugment
from models_zoo.examples.mixing import mosaic, ricap
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.team import ALONE, Team

# Of the memory that is free as a set is filled, so that training examples, validation images and
# labels never take all of it together. What does not fit is read again each time.
_SHARE_OF_FREE = 0.5
_READ_THREADS = 4
_MAX_WORKERS = 8
# Below this a worker process takes more from training than it gives.
_MIN_CORES_FOR_WORKERS = 4

Item = TypeVar("Item")


class Batch(TypedDict):
    """`image` (N, h, w, channels) uint8, `planes` (N, K, h, w) int32, `ignored` (N, h, w) bool."""

    image: Tensor
    planes: Tensor
    ignored: Tensor


class Kept(Generic[Item]):
    """Items made once by `make(index)` and kept as long as they fit into `limit_bytes`.

    By default that is a share of the memory which is free at the time of `fill`, of which each of
    `num_processes` that do the same takes its part.
    """

    def __init__(
        self,
        make: Callable[[int], Item],
        size_bytes: Callable[[Item], int],
        limit_bytes: int | None = None,
        *,
        num_processes: int = 1,
    ) -> None:
        self._make = make
        self._size_bytes = size_bytes
        self._limit_bytes = limit_bytes
        self._num_processes = num_processes
        self._items: dict[int, Item] = {}
        self.num_bytes = 0

    def __getitem__(self, index: int) -> Item:
        """The kept item, or one made anew."""
        kept = self._items.get(index)
        return self._make(index) if kept is None else kept

    def fill(self, count: int, progress: Progress, task: str) -> None:
        """Make items 0 to count - 1 once, in threads; those beyond the limit are only checked."""
        limit_bytes = self._limit_bytes
        if limit_bytes is None:
            limit_bytes = int(_SHARE_OF_FREE * free_memory_bytes() / self._num_processes)
        with progress(task, count) as advance:
            made = ordered_map(
                self._make, range(count), threads=_READ_THREADS, ahead=2 * _READ_THREADS
            )
            for index, item in enumerate(made):
                if self.num_bytes + self._size_bytes(item) <= limit_bytes:
                    self._items[index] = item
                    self.num_bytes += self._size_bytes(item)
                advance(1)


def read_example(labelled: LabelledFolder, index: int, spec: InputSpec) -> Example:
    """An image and its label as a network takes them: at the size of its input, or at their own.

    Of a grey image, which a network may want three times, one channel is kept and changed. Where
    an image is smaller than a window and mirrored, no pixel counts, as in prediction.
    """
    sample = labelled.samples[index]
    image = read_image(sample.image)
    label = labelled.read_label(sample, image.shape[:2])
    ignored = np.zeros(label.size, np.bool_) if label.ignored is None else label.ignored
    pixels = _grey_once(prepare_image(image, spec))
    if spec.window is None:
        small = resize_nearest(ignored[None].astype(np.uint32), spec.size)[0].astype(np.bool_)
        return Example(pixels, resize_nearest(label.planes, spec.size), small)
    below, right = pixels.shape[0] - label.size[0], pixels.shape[1] - label.size[1]
    return Example(
        pixels,
        np.pad(label.planes, ((0, 0), (0, below), (0, right))),
        np.pad(ignored, ((0, below), (0, right)), constant_values=True),
    )


def _grey_once(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The first channel (h, w, 1) where all are the same, else all."""
    first = pixels[:, :, :1]
    return np.ascontiguousarray(first) if (pixels == first).all() else pixels


def example_bytes(example: Example) -> int:
    """What an example takes in memory."""
    return example.image.nbytes + example.planes.nbytes + example.ignored.nbytes


def label_bytes(label: Label) -> int:
    """What a label takes in memory."""
    return label.planes.nbytes + (0 if label.ignored is None else label.ignored.nbytes)


class TrainingSet(Dataset[dict[str, Tensor]]):
    """Augmented examples; an item is asked for by (epoch, index), which also seeds its change.

    Each of the `count` examples is `crops` items, of `channels` channels.
    """

    def __init__(
        self,
        examples: Kept[Example],
        augment: Augment | CropAugment,
        seed: int,
        *,
        count: int,
        crops: int = 1,
        channels: int = 3,
    ) -> None:
        self._examples = examples
        self._augment = augment
        self._seed = seed
        self._count = count
        self._crops = crops
        self._channels = channels

    def __len__(self) -> int:
        """Items of an epoch."""
        return self._count * self._crops

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        """One example as tensors, see `Batch`."""
        changed = self.example(key)
        return {
            "image": torch.from_numpy(changed.image),
            "planes": torch.from_numpy(changed.planes.view(np.int32)),
            "ignored": torch.from_numpy(changed.ignored),
        }

    def example(self, key: tuple[int, int]) -> Example:
        """An augmented example by (epoch, index), or four of them put together."""
        numbers = np.random.default_rng(np.random.SeedSequence((self._seed, *key), spawn_key=(2,)))
        draw, spec = numbers.random(), self._augment.spec
        own = self._changed(key[1] // self._crops, *key)
        if draw >= spec.mosaic + spec.ricap:
            return own
        others = [
            self._changed(int(index), *key, number)
            for number, index in enumerate(numbers.integers(self._count, size=3), start=1)
        ]
        four = [own, *others]
        return mosaic(four) if draw < spec.mosaic else ricap(four, numbers)

    def _changed(self, index: int, *seed: int) -> Example:
        """An augmented example with all its channels."""
        changed = self._augment(self._examples[index], self._seed, *seed)
        if changed.image.shape[2] == self._channels:
            return changed
        image = cv2.merge([changed.image] * self._channels)
        return replace(changed, image=np.asarray(image, np.uint8))


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields (epoch, index) in an order that seed and epoch alone decide.

    Each process of a team gets every so many, as many as the others: their shares of a batch are
    together the batch that one process would get.
    """

    def __init__(self, count: int, seed: int, team: Team = ALONE) -> None:
        self._count = count
        self._seed = seed
        self._team = team
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer as an epoch begins."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._count // self._team.size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([self._seed, self._epoch]).permutation(self._count)
        own = order[self._team.rank :: self._team.size][: len(self)]
        return ((self._epoch, int(index)) for index in own)


def training_loader(
    dataset: TrainingSet, spec: MemberSpec, *, device: torch.device, team: Team = ALONE
) -> DataLoader[dict[str, Tensor]]:
    """Batches of one size in a new order each epoch; a last, smaller batch is left out.

    A team shares them. Where there are fewer images than a batch has, it is of all of them.
    """
    workers = num_workers(device, team.num_processes)
    sampler = EpochSampler(len(dataset), spec.seed, team)
    return DataLoader(
        dataset,
        batch_size=min(spec.batch_size // team.size, max(len(sampler), 1)),
        sampler=sampler,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
    )


def num_workers(device: torch.device, num_processes: int = 1) -> int:
    """Worker processes for loading in each of some processes that train: none where training itself
    needs the few cores.
    """
    cores = num_cores() // num_processes
    few = device.type == "cpu" or cores < _MIN_CORES_FOR_WORKERS
    return 0 if few else min(_MAX_WORKERS, cores)
