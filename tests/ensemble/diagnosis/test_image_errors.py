import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.bit_planes import Label, pack
from ensemble.classes import ClassList
from ensemble.diagnosis.image_errors import find_errors
from ensemble.dice import image_counts
from ensemble.runs.rle import encode
from strategies import mask_stacks

pytestmark = pytest.mark.kernel


@st.composite
def cases(draw):
    """Truth and prediction (C, H, W), which overlap partly, and ignored pixels (H, W)."""
    true = draw(mask_stacks(max_classes=36))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    predicted = true ^ (rng.random(true.shape) < draw(st.sampled_from([0.0, 0.1, 0.6])))
    ignored = rng.random(true.shape[1:]) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    return true & ~ignored, predicted, ignored


def errors_of(true, predicted, ignored, classes=None):
    label = Label(pack(true), ignored if ignored.any() else None)
    names = ClassList(tuple(f"c{i}" for i in range(len(true))))
    return find_errors([encode(mask) for mask in predicted], label, classes or names)


@given(cases())
def test_confusion_and_shared_pixels_are_those_counted_one_by_one(case):
    true, predicted, ignored = case
    found = errors_of(*case)
    np.testing.assert_array_equal(found.confusion, reference.confusion(*case))
    seen = predicted & ~ignored
    for stack, shared in zip((true, seen, true & seen), found.shared, strict=True):
        flat = stack.reshape(len(stack), -1).astype(np.int64)
        np.testing.assert_array_equal(shared, flat @ flat.T)


@given(cases())
def test_counts_are_those_that_are_graded(case):
    true, predicted, ignored = case
    label = Label(pack(true), ignored)
    expected = image_counts([encode(mask) for mask in predicted], label)
    np.testing.assert_array_equal(errors_of(*case).counts, expected)


@given(cases())
def test_boxes_hold_both_masks_and_distances_are_those_of_whole_images(case):
    true, predicted, ignored = case
    found = errors_of(*case)
    for c, (mask, seen) in enumerate(zip(true, predicted & ~ignored, strict=True)):
        ys, xs = np.nonzero(mask | seen)
        box = [ys.min(), xs.min(), ys.max() + 1, xs.max() + 1] if len(ys) else [0, 0, 0, 0]
        assert found.boxes[c].tolist() == box
        expected = reference.surface_distances_px(mask, seen)
        np.testing.assert_allclose(found.surface_px[c], expected, rtol=1e-5)


def dense_verdicts(true, predicted):
    missed, extra = (true & ~predicted).any(0), (predicted & ~true).any(0)
    right = (true & predicted).any(0) & ~missed & ~extra
    return np.stack([right, missed & ~extra, extra & ~missed, missed & extra])


@given(cases())
def test_verdicts_count_pixels_and_those_of_several_classes(case):
    true, predicted, ignored = case
    seen = predicted & ~ignored
    verdicts = dense_verdicts(true, seen)
    several = (true.sum(0) > 1) | (seen.sum(0) > 1)
    found = errors_of(*case).verdicts
    assert found[0].tolist() == verdicts.sum((1, 2)).tolist()
    assert found[1].tolist() == (verdicts & several).sum((1, 2)).tolist()


def test_a_background_is_no_class_to_a_verdict():
    true, predicted = (np.stack([~mask, mask]) for mask in (np.eye(3) > 0, np.tri(3) > 0))
    classes = ClassList(("background", "bone"), exclusive=True)
    found = errors_of(true, predicted, np.zeros((3, 3), bool), classes)
    assert found.verdicts.tolist() == [[3, 0, 3, 0], [0, 0, 0, 0]]
    assert found.confusion.tolist() == [[3, 3, 0], [0, 3, 0], [0, 0, 0]]
