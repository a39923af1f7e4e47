"""Items for training: an image and its 29 masks, augmented, as tensors, in one process.

    python scripts/bench/augment.py [--quick]

Ours keeps the masks as bits of one image and unpacks them on the device, which is not counted on
either side. Against it stands the usual pipeline: the same changes by albumentations on 29 masks,
given as one array of 29 channels or as a list, whichever is faster, then stacked. The floor is the
same item without its masks. Images are those of the phantom.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import count

import albumentations
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.bit_planes import pack
from ensemble.classes import ClassList
from measure import Row, compare, in_turn, machine, print_summary
from models_zoo.examples.augment import Augment, Example
from models_zoo.examples.loader import Kept, TrainingSet, example_bytes
from models_zoo.settings.augment_spec import PRESETS, AugmentSpec
from phantom_maps import phantom_masks

SIZES = (512, 1024)
TARGET_AT_LARGEST = 5.0
CLASSES = ClassList(tuple(f"c{c}" for c in range(29)))


def main() -> None:
    """Measure each size, then each preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: a look, no figures")
    rounds = 8 if parser.parse_args().quick else 60
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    print(machine("numpy", "albumentations", "opencv-python-headless", "torch"))
    rows: list[Row] = []
    for size in SIZES:
        masks = phantom_masks(0, size)
        image = np.repeat((masks.max(0) * 150 + 40)[:, :, None], 3, 2)
        rows += size_rows(size, image, masks, rounds)
    print_summary(rows)


def size_rows(
    size: int, image: NDArray[np.uint8], masks: NDArray[np.uint8], rounds: int
) -> list[Row]:
    """Ours against the usual pipeline and the floor, and ours under each preset."""
    unpacked = [
        usual_pipeline(AugmentSpec(), image, masks, as_list=as_list) for as_list in (False, True)
    ]
    specs = {name: AugmentSpec.model_validate(name) for name in PRESETS}
    presets = {name: our_pipeline(spec, image, masks) for name, spec in specs.items()}
    work = {
        "ours": our_pipeline(AugmentSpec(), image, masks),
        "channels": unpacked[0],
        "list": unpacked[1],
        "floor": our_pipeline(AugmentSpec(), image, masks[:1]),
        **presets,
    }
    times = in_turn(work, rounds)
    usual = min(times["channels"], times["list"], key=lambda each: each.median)
    target = TARGET_AT_LARGEST if size == max(SIZES) else None
    what = f"{size} x {size}, ms an item"
    return [
        compare(f"{what}, against 29 masks", times["ours"], usual, target),
        compare(f"{what}, against one mask (floor)", times["ours"], times["floor"]),
        *(
            compare(f"{what}, preset {name}, against default", times[name], times["ours"])
            for name in PRESETS
        ),
    ]


def our_pipeline(
    spec: AugmentSpec, image: NDArray[np.uint8], masks: NDArray[np.uint8]
) -> Callable[[], object]:
    """One item after the other of a training set of one image."""
    planes = pack(masks > 0)
    # one channel is kept of a grey image, as `read_example` does
    grey = np.ascontiguousarray(image[:, :, :1])
    example = Example(grey, planes, np.zeros(image.shape[:2], np.bool_))
    kept = Kept(lambda _: example, example_bytes)
    classes = ClassList(CLASSES.names[: len(masks)])
    dataset = TrainingSet(kept, Augment(spec, classes), 0, count=1)
    numbers = count()
    return lambda: dataset[next(numbers), 0]


def usual_pipeline(
    spec: AugmentSpec, image: NDArray[np.uint8], masks: NDArray[np.uint8], *, as_list: bool
) -> Callable[[], object]:
    """The same changes by albumentations alone, as its guide has them for many masks."""
    changes = albumentations.Compose(usual_changes(spec), seed=0)
    channels = np.ascontiguousarray(masks.transpose(1, 2, 0))

    def item() -> tuple[torch.Tensor, torch.Tensor]:
        if as_list:
            changed = changes(image=image, masks=list(masks))
            stacked = np.stack(changed["masks"])
        else:
            changed = changes(image=image, mask=channels)
            stacked = np.ascontiguousarray(changed["mask"].transpose(2, 0, 1))
        return torch.from_numpy(changed["image"]), torch.from_numpy(stacked)

    return item


def usual_changes(spec: AugmentSpec) -> list[albumentations.BasicTransform]:
    """What a specification without mixing, bending and noise says, by albumentations."""
    low, high = spec.gamma_limit
    return [
        albumentations.HorizontalFlip(p=spec.hflip),
        albumentations.Affine(
            rotate=(-spec.rotate_deg, spec.rotate_deg),
            scale=(1 - spec.scale, 1 + spec.scale),
            translate_percent=(-spec.shift, spec.shift),
            p=spec.affine,
        ),
        albumentations.RandomBrightnessContrast(
            spec.brightness, spec.contrast, p=spec.brightness_contrast
        ),
        albumentations.RandomGamma(gamma_limit=(100 * low, 100 * high), p=spec.gamma),
        albumentations.CLAHE(p=spec.clahe),
        albumentations.Emboss(p=spec.emboss),
        albumentations.Sharpen(p=spec.sharpen),
    ]


if __name__ == "__main__":
    main()
