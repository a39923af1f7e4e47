import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.bit_planes import (
    areas_px,
    class_words,
    from_channels,
    from_runs,
    get_mask,
    intersection_px,
    pack,
    permute_classes,
    resize_nearest,
    to_channels,
    unpack,
)
from ensemble.runs.rle import encode
from strategies import mask_stacks

pytestmark = pytest.mark.kernel


@given(mask_stacks())
def test_unpack_inverts_pack(masks):
    planes = pack(masks)
    assert planes.shape[0] == -(-len(masks) // 32)
    assert (unpack(planes, len(masks)) == masks).all()
    assert (from_channels(to_channels(planes)) == planes).all()


@given(mask_stacks())
def test_planes_of_runs_are_those_of_the_masks(masks):
    planes = from_runs([encode(mask) for mask in masks], masks.shape[1:])
    np.testing.assert_array_equal(planes, pack(masks))


def test_words_have_the_bits_of_their_classes():
    assert class_words([0, 31, 33], 34).tolist() == [2**31 + 1, 2]
    assert class_words([], 32).tolist() == [0]


@given(mask_stacks())
def test_areas_and_intersections_equal_the_dense_counts(masks):
    planes = pack(masks)
    assert (areas_px(planes, len(masks)) == masks.sum((1, 2))).all()
    other = masks[0] | masks[-1][::-1]
    dense = [(mask & other).sum() for mask in masks]
    assert [intersection_px(planes, c, encode(other)) for c in range(len(masks))] == dense


@given(mask_stacks(), st.randoms())
def test_classes_are_permuted_as_masks_are(masks, random):
    permutation = list(range(len(masks)))
    random.shuffle(permutation)
    permuted = permute_classes(pack(masks), permutation)
    assert (unpack(permuted, len(masks)) == masks[permutation]).all()


def test_resizing_takes_the_pixel_under_each_centre():
    ramp = np.arange(8, dtype=np.uint32)[None, None]
    assert resize_nearest(ramp, (1, 2)).reshape(-1).tolist() == [2, 6]
    assert resize_nearest(ramp, (2, 16))[0, 1].tolist() == [i // 2 for i in range(16)]


def test_resizing_keeps_the_centre_of_a_mask_in_place():
    mask = np.zeros((96, 64), bool)
    mask[30:60, 20:50] = True
    small = get_mask(resize_nearest(pack(mask[None]), (32, 16)), 0)
    rows, columns = np.nonzero(small)
    assert (rows.mean() + 0.5) * 3 == pytest.approx(45, abs=1.5)
    assert (columns.mean() + 0.5) * 4 == pytest.approx(35, abs=2)
