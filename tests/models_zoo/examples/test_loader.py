from itertools import pairwise

import numpy as np
import pytest
import torch
from drawings import write_drawings
from hypothesis import given

from ensemble.bit_planes import pack
from ensemble.classes import ClassList
from ensemble.data.datasets import open_labelled
from ensemble.images.reading import read_image
from ensemble.members.manifest import InputSpec, WindowSpec
from ensemble.progress import silent
from models_zoo.examples import loader
from models_zoo.examples.augment import Augment, Example
from models_zoo.examples.loader import (
    EpochSampler,
    Kept,
    TrainingSet,
    example_bytes,
    read_example,
    training_loader,
)
from models_zoo.examples.target import unpack_target
from models_zoo.settings.augment_spec import AugmentSpec
from models_zoo.settings.member_spec import MemberSpec
from strategies import mask_stacks

OFF = AugmentSpec.model_validate("none")
CPU = torch.device("cpu")
CLASSES = ClassList(("a", "b", "c"), mirror_pairs=(("a", "c"),))


def _as_tensors(masks, ignored):
    planes = torch.from_numpy(pack(masks).view(np.int32))[None]
    return planes, torch.from_numpy(ignored)[None]


@given(mask_stacks())
def test_planes_unpack_to_the_masks(masks):
    classes = ClassList(tuple(f"c{index}" for index in range(len(masks))))
    ignored = np.zeros(masks.shape[1:], bool)
    ignored[0, 0] = True

    target = unpack_target(*_as_tensors(masks, ignored), classes)

    np.testing.assert_array_equal(target.masks[0].numpy(), masks)
    np.testing.assert_array_equal(target.counted[0, 0].numpy(), ~ignored)
    assert target.masks.dtype == torch.uint8


@pytest.mark.parametrize(("names", "counts"), [(("background", "x"), True), (("y", "x"), False)])
def test_a_pixel_without_class_is_background_or_left_out(names, counts):
    masks = np.zeros((2, 2, 3), bool)
    masks[1, 0] = True
    ignored = np.zeros((2, 3), bool)
    ignored[1, 2] = True

    target = unpack_target(*_as_tensors(masks, ignored), ClassList(names, exclusive=True))

    assert target.masks[0, 0].tolist() == [[0, 0, 0], [1, 1, 0] if counts else [0, 0, 0]]
    assert target.counted[0, 0].tolist() == [[1, 1, 1], [1, 1, 0] if counts else [0, 0, 0]]


def test_items_beyond_the_limit_are_made_again():
    made = []

    def make(index):
        made.append(index)
        return np.zeros(10, np.uint8)

    kept = Kept(make, lambda item: item.nbytes, limit_bytes=25)
    kept.fill(4, silent, "filling")
    assert sorted(made) == [0, 1, 2, 3]
    assert kept.num_bytes == 20

    made.clear()
    for index in range(4):
        assert len(kept[index]) == 10
    assert made == [2, 3]


def test_by_default_half_of_the_free_memory_is_for_keeping(monkeypatch):
    free = iter([50, 30])
    monkeypatch.setattr(loader, "free_memory_bytes", lambda: next(free))
    kept = [Kept(lambda _: np.zeros(10, np.uint8), lambda item: item.nbytes) for _ in range(2)]
    for items in kept:
        items.fill(4, silent, "filling")

    assert [items.num_bytes for items in kept] == [20, 10]


def _loader(seed, batch=2):
    rng = np.random.default_rng(0)
    items = [
        Example(
            rng.integers(0, 256, (32, 48, 3), np.uint8),
            pack(rng.random((3, 32, 48)) < 0.2),
            np.zeros((32, 48), bool),
        )
        for _ in range(5)
    ]
    examples = Kept(items.__getitem__, example_bytes)
    dataset = TrainingSet(examples, Augment(AugmentSpec(), CLASSES), seed, count=5)
    spec = MemberSpec(arch="unet", batch=batch, seed=seed)
    return training_loader(dataset, spec, device=CPU)


def _epoch(loader, epoch):
    loader.sampler.set_epoch(epoch)
    return [batch["image"].numpy().tobytes() for batch in loader]


def test_a_seed_gives_the_same_batches_and_each_epoch_others():
    first, again, other = _loader(3), _loader(3), _loader(4)

    assert _epoch(first, 0) == _epoch(again, 0)
    # a later epoch does not depend on those before it
    assert _epoch(first, 5) == _epoch(_loader(3), 5)
    assert _epoch(first, 0) != _epoch(first, 1)
    assert _epoch(first, 0) != _epoch(other, 0)


def test_batches_are_of_one_size_and_never_larger_than_the_data():
    batches = list(_loader(0))
    assert [batch["image"].shape for batch in batches] == [(2, 32, 48, 3)] * 2
    assert batches[0]["planes"].shape == (2, 1, 32, 48)
    assert batches[0]["planes"].dtype == torch.int32
    assert len(next(iter(_loader(0, batch=64)))["image"]) == 5


def test_the_crops_of_an_example_are_items_of_their_own():
    examples = [
        Example(np.full((2, 3, 1), n, np.uint8), np.zeros((1, 2, 3), np.uint32), np.zeros((2, 3)))
        for n in range(3)
    ]
    kept = Kept(examples.__getitem__, example_bytes)
    dataset = TrainingSet(kept, Augment(OFF, CLASSES), 0, count=3, crops=4)

    loader = training_loader(dataset, MemberSpec(arch="unet", batch=6), device=CPU)
    seen = [int(image[0, 0, 0]) for batch in loader for image in batch["image"]]

    assert len(dataset) == 12
    assert sorted(seen) == [0] * 4 + [1] * 4 + [2] * 4


def test_with_windows_an_image_keeps_its_size(tmp_path):
    labelled = open_labelled(write_drawings(tmp_path, train=1, val=1) / "train")
    label = labelled.read_label(labelled.samples[0])
    assert label.size == (48, 80)

    example = read_example(labelled, 0, InputSpec(size=(32, 64), window=WindowSpec()))

    np.testing.assert_array_equal(example.image[..., 0], read_image(labelled.samples[0].image))
    np.testing.assert_array_equal(example.planes, label.planes)
    assert not example.ignored.any()


def test_what_is_mirrored_to_fill_a_window_does_not_count(tmp_path):
    labelled = open_labelled(write_drawings(tmp_path, train=1, val=1) / "train")

    example = read_example(labelled, 0, InputSpec(size=(64, 96), window=WindowSpec()))

    image = read_image(labelled.samples[0].image)
    np.testing.assert_array_equal(
        example.image[..., 0], np.pad(image, ((0, 16), (0, 16)), mode="symmetric")
    )
    counted = np.zeros((64, 96), bool)
    counted[:48, :80] = True
    np.testing.assert_array_equal(example.ignored, ~counted)
    assert example.planes.shape == (1, 64, 96)
    assert not example.planes[:, ~counted].any()


def test_an_epoch_shows_every_image_once():
    sampler = EpochSampler(7, seed=1)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        order = list(sampler)
        assert [key[0] for key in order] == [epoch] * 7
        assert sorted(key[1] for key in order) == list(range(7))
        orders.append([key[1] for key in order])
    assert all(a != b for a, b in pairwise(orders))


@pytest.mark.parametrize("mixing", ["mosaic", "ricap"])
def test_mixed_items_show_other_images_too_and_a_seed_decides_which(mixing):
    items = [example_of(level) for level in (10, 60, 110, 160, 210)]
    kept = Kept(items.__getitem__, example_bytes)
    spec = OFF.model_copy(update={mixing: 1.0})
    dataset, again = (TrainingSet(kept, Augment(spec, CLASSES), 3, count=5) for _ in range(2))

    shown = set()
    for index in range(5):
        item = dataset[0, index]
        assert all(torch.equal(item[key], again[0, index][key]) for key in item)
        assert item["image"].shape == items[0].image.shape
        shown.add(len(item["image"].unique()))
    assert max(shown) > 1
    assert any(not torch.equal(dataset[0, i]["image"], dataset[1, i]["image"]) for i in range(5))


def example_of(level):
    image = np.full((32, 40, 3), level, np.uint8)
    return Example(image, np.zeros((1, 32, 40), np.uint32), np.zeros((32, 40), bool))
