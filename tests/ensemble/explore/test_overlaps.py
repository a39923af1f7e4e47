import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ensemble.explore.overlaps import OverlapSum
from strategies import mask_stacks


def shared(masks):
    flat = masks.reshape(len(masks), -1).astype(np.int64)
    return flat @ flat.T


@given(st.data(), st.integers(1, 6), st.integers(1, 4))
def test_pairs_are_judged_over_all_images(data, num_classes, num_images):
    stacks = [
        np.resize(data.draw(mask_stacks(num_classes)), (num_classes, 5, 7))
        for _ in range(num_images)
    ]
    total = OverlapSum(num_classes)
    for masks in stacks:
        total.add(shared(masks))
    found = total.result()
    pixels = np.concatenate([masks.reshape(num_classes, -1) for masks in stacks], axis=1)
    for a in range(num_classes):
        for b in range(num_classes):
            both = (pixels[a] & pixels[b]).sum()
            assert found.shared_px[a, b] == both
            smaller = min(pixels[a].sum(), pixels[b].sum())
            assert found.share_of_smaller[a, b] == (both / smaller if smaller else 0)
            in_image = [shared(masks) for masks in stacks]
            assert found.num_images[a, b] == sum(s[a, b] > 0 for s in in_image)
            shares = [s[a, b] / max(min(s[a, a], s[b, b]), 1) for s in in_image]
            assert found.worst_share[a, b] == max(shares)
            worst = int(np.argmax(shares)) if max(shares) > 0 else -1
            assert found.worst_image[a, b] == worst
    equal = {
        (i, a, b)
        for i, masks in enumerate(stacks)
        for a in range(num_classes)
        for b in range(a + 1, num_classes)
        if masks[a].any() and (masks[a] == masks[b]).all()
    }
    assert {tuple(row) for row in found.equal.tolist()} == equal


def test_the_worst_pair_comes_first():
    masks = np.zeros((4, 6, 6), bool)
    masks[0, :3] = masks[1, 2:5] = True
    masks[2, 4:5, :2] = True
    total = OverlapSum(4)
    total.add(shared(masks))
    assert total.result().worst_pairs().tolist() == [[1, 2], [0, 1]]
