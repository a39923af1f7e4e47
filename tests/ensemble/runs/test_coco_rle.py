"""COCO's counts, against pycocotools."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from ensemble.errors import RleError
from ensemble.runs.coco_rle import (
    counts_from_runs,
    format_coco,
    format_counts,
    parse_coco,
    parse_counts,
    runs_from_counts,
)
from ensemble.runs.rle import empty_runs, encode
from strategies import masks

pytestmark = pytest.mark.kernel


def pycocotools_text(mask):
    return coco_mask.encode(np.asfortranarray(mask, np.uint8))["counts"].decode("ascii")


@given(masks())
def test_strings_are_those_of_pycocotools_to_the_byte(mask):
    text = pycocotools_text(mask)
    assert format_coco(encode(mask), mask.shape) == text
    assert format_coco(encode(mask, order="column"), mask.shape, order="column") == text


@given(masks())
def test_parse_inverts_format(mask):
    runs = encode(mask)
    counts = counts_from_runs(runs, mask.shape)
    np.testing.assert_array_equal(parse_coco(format_coco(runs, mask.shape), mask.shape), runs)
    np.testing.assert_array_equal(parse_coco(counts.tolist(), mask.shape), runs)
    np.testing.assert_array_equal(parse_counts(format_counts(counts)), counts)


@given(st.lists(st.integers(0, 2**20), min_size=1, max_size=20))
def test_compressed_counts_of_any_size(counts):
    encoded = coco_mask.frPyObjects({"size": [1, sum(counts)], "counts": counts}, 1, sum(counts))
    text = encoded["counts"].decode("ascii")
    assert parse_counts(text).tolist() == counts
    assert format_counts(np.array(counts, np.int64)) == text


@pytest.mark.parametrize("size", [(0, 3), (3, 0)])
def test_masks_without_pixels(size):
    assert format_coco(empty_runs(), size) == pycocotools_text(np.zeros(size, bool))
    assert len(parse_coco([0], size)) == 0


def test_runs_without_length_are_left_out():
    counts = np.array([0, 2, 0, 3, 1, 0], np.int64)
    assert runs_from_counts(counts, (6, 1)).tolist() == [[0, 5]]
    counts = np.array([2, 0, 3, 1], np.int64)
    assert runs_from_counts(counts, (3, 2)).tolist() == [[5, 1]]


@pytest.mark.parametrize(
    ("counts", "what"),
    [
        ([5, 3], "8 pixels"),
        ([0, 7], "7 pixels"),
        ([7, -1], "smallest count -1"),
        ([10**400, 1], "do not fill the image"),
        ([], "0 pixels"),
        ("", "0 pixels"),
        ("P", "from character 2 on"),
        ("1 2", "from character 2 on"),
        ("\ud55c", "from character 1 on"),
        ("0PPPPPPPPPP0", "from character 9 on"),
        ("oooooo1oooooo1oooooo1oooooo1", "do not fill the image"),
    ],
)
def test_malformed_counts_are_refused(counts, what):
    with pytest.raises(RleError, match=what):
        parse_coco(counts, (3, 2))
