"""How fast a member of the zoo learns, beside the training loop of the libraries' guides.

    pip install -e '.[bench]'
    python scripts/bench/training.py [--arch unetplusplus --encoder efficientnet-b5 --size 1024]

Ours is `train_member` as `ens train-zoo` calls it, with its loader, augmentation, moving average
and clipped gradients. The guides' loop: a Dataset that hands an image and 29 masks to
albumentations (read from PNGs each time as they do, or kept in memory as the careful do), a
DataLoader with as many workers as ours, smp's losses, autocast, AdamW. Both make the same changes
and the same network. The floor is that network's step alone, over and over on one batch. Of a GPU
it is also said how busy it was. Validation is left out; the state that ours writes once an epoch
counts. Images are those of the phantom.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import albumentations
import cv2
import numpy as np
import torch
from albumentations.pytorch import ToTensorV2
from numpy.typing import NDArray
from segmentation_models_pytorch.losses import MULTILABEL_MODE, DiceLoss, SoftBCEWithLogitsLoss
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, default_collate

from augment import usual_changes
from ensemble.bit_planes import resize_nearest, unpack
from ensemble.data.datasets import open_labelled
from ensemble.images.reading import read_image
from ensemble.members.networks import build_network
from ensemble.progress import silent
from measure import Times, compare, in_rounds, machine, print_summary
from models_zoo.examples.loader import num_workers
from models_zoo.phantom import make_phantom
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.training.epoch_result import EpochResult
from models_zoo.training.learner import TrainingJob, batch_loss, train_member, training_set
from models_zoo.training.optimisation import new_optimizer
from models_zoo.training.trainer import uses_bf16
from models_zoo.training.validation import read_validation_labels

# Ours may take this much longer than the bare steps.
LEAST_SHARE_OF_FLOOR = 0.9
UNTIMED_EPOCHS = 2  # the first warms up, the last is validated
GROUPS = "^(ID[0-9]+)"

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # image (h, w, 3), masks (h, w, C) of 0 and 1


def main() -> None:
    """Measure one network; by default a large one on a GPU, a small one on a CPU."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="unetplusplus" if on_gpu else "unet")
    parser.add_argument("--encoder", default="efficientnet-b5" if on_gpu else "resnet18")
    parser.add_argument("--size", type=int, default=1024 if on_gpu else 256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--images", type=int, default=400 if on_gpu else 60, help="3 of 5 learnt")
    parser.add_argument("--epochs", type=int, default=2, help="that are timed")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    print(machine("torch", "lightning", "segmentation-models-pytorch", "albumentations"))
    print(torch.cuda.get_device_name(device) if on_gpu else "no GPU: what follows is of the CPU")
    spec = MemberSpec(
        arch=chosen.arch,
        encoder=chosen.encoder,
        size=(chosen.size, chosen.size),
        batch=chosen.batch,
        epochs=chosen.epochs + UNTIMED_EPOCHS,
        validate_every=chosen.epochs + UNTIMED_EPOCHS,
        weights="none",
    )
    with tempfile.TemporaryDirectory() as folder:
        make_phantom(Path(folder) / "data", images=chosen.images, size=chosen.size, workers=2)
        bench = Bench(spec, Path(folder), device)
        work = {
            "ours": bench.ours,
            "from files": partial(bench.loop_of_the_guides, bench.file_pairs()),
            "from memory": partial(bench.loop_of_the_guides, bench.memory_pairs()),
            "floor": bench.steps_alone,
        }
        rates = in_rounds(work, chosen.rounds)
    times = {name: Times(tuple(rate.image_s for rate in each)) for name, each in rates.items()}
    for name, each in rates.items():
        busy = [rate.busy_percent for rate in each if rate.busy_percent is not None]
        share = f", GPU busy {np.median(busy):.0f} %" if busy else ""
        print(f"{name}: {1 / times[name].median:.1f} images a second{share}")
    what = f"{spec.full_name}, batch {spec.batch}, ms an image"
    ours = times["ours"]
    rows = [
        compare(f"{what}, against the loop that reads files", ours, times["from files"]),
        compare(f"{what}, against the loop in memory", ours, times["from memory"]),
        compare(
            f"{what}, against steps alone", times["ours"], times["floor"], LEAST_SHARE_OF_FLOOR
        ),
    ]
    print_summary(rows)


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds that an image takes, and the share of time in which the GPU was busy."""

    image_s: float
    busy_percent: float | None


class Clock:
    """Takes the time of a device, and asks the driver five times a second how busy a GPU is."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._start_s = 0.0
        self._busy: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin, after what the device is still doing."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            query = "--query-gpu=utilization.gpu --format=csv,noheader,nounits -lms 200"
            command = ["nvidia-smi", "-i", str(self._device.index or 0), *query.split()]
            self._busy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._start_s = time.perf_counter()

    def rate(self, images: int) -> Rate:
        """That of so many images since the start."""
        if self._busy is None:
            return Rate((time.perf_counter() - self._start_s) / images, None)
        torch.cuda.synchronize(self._device)
        image_s = (time.perf_counter() - self._start_s) / images
        self._busy.terminate()
        answers, _ = self._busy.communicate()
        return Rate(image_s, float(np.mean([float(line) for line in answers.split()])))


class Bench:
    """One network on one data set, trained in different ways."""

    def __init__(self, spec: MemberSpec, folder: Path, device: torch.device) -> None:
        self._spec = spec
        self._folder = folder
        self._device = device
        self._train = open_labelled(folder / "data" / "train", groups=GROUPS)
        val = open_labelled(folder / "data" / "val", groups=GROUPS).subset(range(2))
        self._held_out = read_validation_labels(val, silent)

    def ours(self) -> Rate:
        """An epoch of `train_member`."""
        clock = Clock(self._device)
        rates = []

        def note(result: EpochResult) -> None:
            if result.epoch == 1:
                clock.start()
            elif result.epoch == self._epochs + 1:
                rates.append(clock.rate(self._epochs * self._images))

        with tempfile.TemporaryDirectory(dir=self._folder) as state:
            job = TrainingJob(self._spec, self._train, self._held_out, Path(state), self._device)
            train_member(job, watch=note, progress=silent)
        return rates[0]

    def loop_of_the_guides(self, pairs: Pairs) -> Rate:
        """An epoch of the loop that guides show, after one that is not timed."""
        spec, device = self._spec, self._device
        network = self._new_network()
        optimizer = torch.optim.AdamW(network.parameters(), lr=spec.lr)
        bce, dice = SoftBCEWithLogitsLoss(), DiceLoss(MULTILABEL_MODE)
        workers = num_workers(device)
        loader = DataLoader(
            pairs,
            batch_size=spec.batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=device.type == "cuda",
        )

        def epoch() -> None:
            for images, masks in loader:
                inputs = images.to(device, non_blocking=True)
                truth = masks.to(device, non_blocking=True).float()
                with torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(spec, device)):
                    logits = network(inputs)
                    loss = bce(logits, truth) + dice(logits, truth)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

        return self._rate(epoch)

    def steps_alone(self) -> Rate:
        """Steps of the network on one batch that lies on the device."""
        spec, device = self._spec, self._device
        network = self._new_network().to(memory_format=torch.channels_last)
        optimizer = new_optimizer(network, spec)
        dataset = training_set(self._train, spec, silent)
        batch = default_collate([dataset[0, index] for index in range(spec.batch_size)])
        on_device = {key: tensor.to(device) for key, tensor in batch.items()}

        def epoch() -> None:
            for _ in range(self._images // spec.batch_size):
                with torch.autocast(device.type, torch.bfloat16, enabled=uses_bf16(spec, device)):
                    loss = batch_loss(network, on_device, spec, self._train.classes)
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()

        return self._rate(epoch)

    def memory_pairs(self) -> Pairs:
        """All images and masks, kept."""
        pairs = [self._pair(index) for index in range(len(self._train.samples))]
        return Pairs(pairs.__getitem__, len(pairs), self._spec)

    def file_pairs(self) -> Pairs:
        """Images and masks that are read from PNGs, one a class, at the size of the input."""
        folder = self._folder / "pairs"
        count = len(self._train.samples)
        for index in range(count):
            image, masks = self._pair(index)
            place = folder / str(index)
            place.mkdir(parents=True)
            cv2.imwrite(str(place / "image.png"), image)
            for number in range(masks.shape[2]):
                cv2.imwrite(str(place / f"{number:02d}.png"), masks[:, :, number])

        def read(index: int) -> Pair:
            image = cv2.imread(str(folder / str(index) / "image.png"), cv2.IMREAD_COLOR_RGB)
            files = sorted((folder / str(index)).glob("[0-9]*.png"))
            masks = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
            return np.asarray(image, np.uint8), np.stack(masks, axis=2, dtype=np.uint8)

        return Pairs(read, count, self._spec)

    def _pair(self, index: int) -> Pair:
        sample = self._train.samples[index]
        image = read_image(sample.image)
        label = self._train.read_label(sample, image.shape[:2])
        masks = unpack(resize_nearest(label.planes, self._spec.size), len(self._train.classes))
        channels = np.ascontiguousarray(masks.transpose(1, 2, 0), np.uint8)
        return image, channels

    def _new_network(self) -> nn.Module:
        torch.manual_seed(0)
        classes = len(self._train.classes)
        network = build_network(self._spec.network, in_channels=3, num_classes=classes)
        return network.to(self._device).train()

    @property
    def _epochs(self) -> int:
        """Epochs that are timed."""
        return self._spec.epochs - UNTIMED_EPOCHS

    @property
    def _images(self) -> int:
        """Images of an epoch, which is of whole batches."""
        batch = self._spec.batch_size
        return len(self._train.samples) // batch * batch

    def _rate(self, epoch: Callable[[], None]) -> Rate:
        """That of a few epochs, after one that is not timed."""
        epoch()
        clock = Clock(self._device)
        clock.start()
        for _ in range(self._epochs):
            epoch()
        return clock.rate(self._epochs * self._images)


class Pairs(Dataset[tuple[Tensor, Tensor]]):
    """Images and masks, changed as ours are, as tensors (3, h, w) float32 and (C, h, w) uint8."""

    def __init__(self, read: Callable[[int], Pair], count: int, spec: MemberSpec) -> None:
        self._read = read
        self._count = count
        normalise = albumentations.Normalize(spec.input.mean, spec.input.std)
        to_tensor = ToTensorV2(transpose_mask=True)
        changes = [*usual_changes(spec.augment), normalise, to_tensor]
        self._changes = albumentations.Compose(changes, seed=0)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, masks = self._read(index)
        changed = self._changes(image=image, mask=masks)
        return changed["image"], changed["mask"]


if __name__ == "__main__":
    main()
