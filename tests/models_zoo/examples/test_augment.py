import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.bit_planes import pack, unpack
from ensemble.classes import ClassList
from models_zoo.examples.augment import Augment, Example, mirror
from models_zoo.settings.augment_spec import AugmentSpec
from strategies import mask_stacks

OFF = AugmentSpec.model_validate("none")


def _classes(count, pairs=()):
    names = tuple(f"c{index}" for index in range(count))
    return ClassList(names, mirror_pairs=tuple((names[a], names[b]) for a, b in pairs))


def _example(masks, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    size = masks.shape[1:]
    image = rng.integers(0, 256, (*size, channels), np.uint8)
    return Example(image, pack(masks), rng.random(size) < 0.1)


def _same(first, second):
    return all(
        np.array_equal(getattr(first, part), getattr(second, part))
        for part in ("image", "planes", "ignored")
    )


@given(mask_stacks(), st.sampled_from([0, 1]))
def test_mirroring_swaps_classes_and_undoes_itself(masks, axis):
    count = len(masks)
    permutation = _classes(count, [(0, count - 1)] if count > 1 else []).mirror_permutation
    example = _example(masks)

    once = mirror(example, axis=axis, permutation=permutation)

    expected = np.flip(masks, axis + 1)[list(permutation)]
    np.testing.assert_array_equal(unpack(once.planes, count), expected)
    np.testing.assert_array_equal(once.image, np.flip(example.image, axis))
    np.testing.assert_array_equal(once.ignored, np.flip(example.ignored, axis))
    assert _same(mirror(once, axis=axis, permutation=permutation), example)


def test_the_flips_are_the_mirror_and_only_when_asked_for():
    masks = np.random.default_rng(0).random((3, 32, 48)) < 0.3
    example, classes = _example(masks), _classes(3, [(0, 2)])
    flip = OFF.model_copy(update={"hflip": 1.0})

    flipped = Augment(flip, classes)(example, 1)

    assert _same(flipped, mirror(example, axis=1, permutation=(2, 1, 0)))
    assert _same(Augment(OFF, classes)(example, 1), example)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("num_classes", [2, 40])
def test_image_and_planes_move_together(channels, num_classes):
    # a bright disc is the mask of the last class: after any warp both still cover each other
    disc = np.zeros((96, 128), np.uint8)
    cv2.circle(disc, (50, 40), 18, 255, -1)
    masks = np.zeros((num_classes, 96, 128), bool)
    masks[-1] = disc > 0
    example = Example(np.repeat(disc[:, :, None], channels, 2), pack(masks), masks[-1])
    warp = OFF.model_copy(update={"affine": 1.0, "rotate_deg": 90.0, "shift": 0.1})
    bent = OFF.model_copy(update={"elastic": 1.0, "elastic_shift": 0.03})

    for seed in range(10):
        moved = Augment(warp if seed % 2 else bent, _classes(num_classes))(example, seed)

        bright = moved.image[:, :, 0] > 127
        mask = unpack(moved.planes, num_classes)[-1]
        union = (bright | mask).sum()
        assert union > 500
        assert (bright & mask).sum() / union > 0.93
        np.testing.assert_array_equal(moved.ignored, mask)
        assert not unpack(moved.planes, num_classes)[:-1].any()


@pytest.mark.parametrize("change", ["blur", "noise", "cutout", "gamma", "clahe"])
def test_changes_of_grey_levels_leave_the_label(change):
    masks = np.random.default_rng(0).random((3, 64, 96)) < 0.3
    example = _example(masks)
    changed = Augment(OFF.model_copy(update={change: 1.0}), _classes(3))(example, 5)
    assert not np.array_equal(changed.image, example.image)
    np.testing.assert_array_equal(changed.planes, example.planes)
    np.testing.assert_array_equal(changed.ignored, example.ignored)


def test_a_seed_decides_everything_and_epochs_differ():
    masks = np.random.default_rng(0).random((5, 64, 64)) < 0.3
    example = _example(masks)
    everything = AugmentSpec(
        **dict.fromkeys(("affine", "elastic", "gamma", "clahe", "emboss", "sharpen"), 1.0),
        **dict.fromkeys(("brightness_contrast", "blur", "noise", "cutout"), 1.0),
    )

    first, again = (Augment(everything, _classes(5))(example, 7, 0, 3) for _ in range(2))
    later = Augment(everything, _classes(5))(example, 7, 1, 3)

    assert _same(first, again)
    assert not np.array_equal(first.image, later.image)
    assert not np.array_equal(first.planes, later.planes)
    assert (first.image.dtype, first.image.shape) == (np.uint8, (64, 64, 3))


def test_stages_draw_from_one_stream():
    # generators of one seed each would tie all decisions together
    classes, example = _classes(1), _example(np.zeros((1, 32, 32), bool))
    half = OFF.model_copy(update={"clahe": 0.5, "emboss": 0.5})
    kinds = {Augment(half, classes)(example, seed).image.tobytes() for seed in range(40)}

    assert len(kinds) > 20
