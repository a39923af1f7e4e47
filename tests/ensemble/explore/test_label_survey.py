import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.bit_planes import Label, pack
from ensemble.classes import ClassList
from ensemble.explore.label_survey import COVER_CELLS, LabelSum, count_label
from ensemble.explore.polygon_faults import PolygonFault
from strategies import mask_stacks

pytestmark = pytest.mark.kernel


def levels_of(masks, seed=0, dtype=np.uint8):
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(dtype).max, masks.shape[1:], dtype, endpoint=True)


@given(mask_stacks(), st.sampled_from([np.uint8, np.uint16]))
def test_a_label_counts_what_its_masks_do_pixel_by_pixel(masks, dtype):
    levels = levels_of(masks, dtype=dtype)
    counts = count_label(Label(pack(masks)), levels, len(masks))
    assert counts.sums.tolist() == reference.label_sums(masks, levels).tolist()
    flat = masks.reshape(len(masks), -1).astype(np.int64)
    assert (counts.shared == flat @ flat.T).all()
    assert counts.several_px == (flat.sum(0) > 1).sum()
    for mask, box in zip(masks, counts.boxes.tolist(), strict=True):
        ys, xs = np.nonzero(mask)
        expected = [ys.min(), xs.min(), ys.max() + 1, xs.max() + 1] if len(ys) else [0, 0, 0, 0]
        assert box == expected


@given(mask_stacks(max_classes=2))
def test_the_cover_is_the_share_of_each_cell_whatever_the_size(masks):
    counts = count_label(Label(pack(masks)), levels_of(masks), len(masks))
    for mask, cover in zip(masks, counts.cover, strict=True):
        np.testing.assert_allclose(cover, reference.cell_shares(mask, COVER_CELLS), atol=1e-9)


@given(mask_stacks(max_classes=3), mask_stacks(max_classes=3))
def test_images_add_up_in_their_order(first, second):
    second = np.resize(second, (len(first), *second.shape[1:]))
    classes = ClassList(tuple(f"c{i}" for i in range(len(first))))
    fault = PolygonFault("no area", "annotations[0]", 0, "")
    total = LabelSum(classes)
    one = count_label(Label(pack(first)), levels_of(first), len(first))
    ignored = np.ones(second.shape[1:], bool)
    two = count_label(
        Label(pack(second & ~ignored), ignored), levels_of(second), len(second), (fault,)
    )
    total.add(one)
    total.add(two)
    found = total.result()
    assert (found.sums == np.stack([one.sums, two.sums])).all()
    assert (found.boxes == np.stack([one.boxes, two.boxes])).all()
    np.testing.assert_allclose(found.mean_cover(np.zeros(2, bool)), one.cover / 2)
    assert found.ignored_px.tolist() == [0, second[0].size]
    assert found.several_px.tolist() == [one.several_px, 0]
    assert found.polygon_faults == ((1, fault),)
    assert found.classes is classes
