import numpy as np
import pytest

import reference
from ensemble.bit_planes import Label, pack
from ensemble.classes import ClassList
from ensemble.explore.exploration import label_findings
from ensemble.explore.facing import across_order, beside_others, mirrored_images, turn
from ensemble.explore.label_survey import LabelSum, count_label
from ensemble.explore.looks import Looks, look_at
from ensemble.explore.outliers import find_outliers
from ensemble.explore.shapes import shapes_of

SIZE = (80, 120)
NAMES = ("thumb", "index", "middle", "ring", "little", "wrist")
PLACES = ((40, 25), (20, 40), (14, 55), (18, 70), (26, 85), (62, 58))  # y, x


def hand(seed, *, is_left=False, moved=None):
    """Masks (6, 80, 120) of a hand that lies somewhere; `moved`: a finger on its wrong side."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[: SIZE[0], : SIZE[1]]
    start = rng.uniform([-6, -8], [6, 8])
    masks = []
    for c, place in enumerate(PLACES):
        y, x = place + start + rng.normal(0, 0.7, 2)
        if c == moved:
            x = 110 - x
        masks.append(np.hypot((ys - y) / 7, (xs - x) / 4) < 1)
    stack = np.stack(masks)
    return stack[:, :, ::-1] if is_left else stack


def findings_of(stacks, classes=None):
    classes = classes or ClassList(NAMES[: len(stacks[0])])
    total, looks = LabelSum(classes), []
    for masks in stacks:
        levels = np.where(masks.any(axis=0), 200, 20).astype(np.uint8)
        total.add(count_label(Label(pack(masks)), levels, len(masks)))
        looks.append(look_at(levels, levels, 1))
    return label_findings(total.result(), Looks.stack(looks))


IS_LEFT = np.arange(31) % 2 == 1


def hands(**changed):
    odd = {"seed": 5, **changed}
    return [
        hand(**(odd if i == 5 else {"seed": i}), is_left=bool(left))
        for i, left in enumerate(IS_LEFT)
    ]


def test_hands_of_the_rarer_side_are_turned():
    assert findings_of(hands()).is_mirrored.tolist() == IS_LEFT.tolist()
    others = [masks[:, :, ::-1] for masks in hands()]
    assert findings_of(others).is_mirrored.tolist() == IS_LEFT.tolist()


@pytest.mark.parametrize("moved", [0, 1, 4])
@pytest.mark.parametrize("at", [4, 5])
def test_a_finger_on_the_wrong_side_is_the_top_outlier_of_places(moved, at):
    stacks = hands()
    stacks[at] = hand(at, is_left=bool(IS_LEFT[at]), moved=moved)
    found = findings_of(stacks)
    assert found.is_mirrored.tolist() == IS_LEFT.tolist()
    places = [o for o in found.outliers if o.what in ("place across", "height in the image")]
    assert (places[0].image, places[0].class_index, places[0].what) == (at, moved, "place across")
    assert abs(places[0].z) > 3 * max((abs(o.z) for o in places[1:]), default=0)
    as_they_are = find_outliers(found.shapes)
    assert not [o for o in as_they_are if (o.image, o.class_index, o.what) ==
                (at, moved, "place across")]  # fmt: skip


def test_mean_masks_are_of_hands_turned_the_same_way():
    found = findings_of(hands())
    turned = findings_of(
        [masks[:, :, ::-1] if left else masks for masks, left in zip(hands(), IS_LEFT, strict=True)]
    )
    assert not turned.is_mirrored.any()
    straight = turned.counts.mean_cover(turned.is_mirrored)
    np.testing.assert_allclose(found.counts.mean_cover(found.is_mirrored), straight, atol=1e-9)
    ghosts = found.counts.mean_cover(np.zeros(31, bool))
    assert ghosts[0].max() < 0.8 * straight[0].max()


def test_without_sides_nothing_changes():
    right = [hand(seed, moved=2 if seed == 3 else None) for seed in range(30)]
    paired = ClassList(NAMES, mirror_pairs=(("thumb", "little"),))
    one_flipped = [*right[:-1], right[-1][:, :, ::-1]]  # a fault, which has to stand out
    rng = np.random.default_rng(0)
    anywhere = [masks[rng.permutation(6)] for masks in right]
    two = [masks[[1, 4]] for masks in hands()]  # of which one is always left of the other
    cases = [(stacks, None) for stacks in (right, one_flipped, anywhere, two, hands()[:7])]
    for stacks, classes in (*cases, (hands(), paired)):
        found = findings_of(stacks, classes)
        assert not found.is_mirrored.any()
        assert found.outliers == find_outliers(found.shapes)
    flipped = findings_of(one_flipped).outliers
    assert any(o.image == 29 and o.what == "place across" for o in flipped)


def test_what_leans_is_not_turned():
    """A column of classes that leans to either side has them in opposite orders."""
    ys, xs = np.mgrid[: SIZE[0], : SIZE[1]]
    stacks = [
        np.stack([
            np.hypot(ys - 10 - 12 * c, xs - 60 - lean * c) < 4 for c in range(5)
        ])
        for lean in (-6, 5, 7, -5, -7, 6, 5, -6, 4, -4)
    ]  # fmt: skip
    assert not findings_of(stacks).is_mirrored.any()


def test_an_order_changes_its_sign_in_a_mirror_image():
    masks = hand(0)
    masks[3] = False
    levels = np.zeros(SIZE, np.uint8)
    orders = [
        across_order(reference.label_sums(m, levels), None) for m in (masks, masks[:, :, ::-1])
    ]
    np.testing.assert_array_equal(orders[0], -orders[1])
    assert orders[0][3] == 0
    assert orders[0][0] == -1  # all are right of the thumb
    assert across_order(reference.label_sums(masks, levels), 0)[0] == 0


def test_mirrored_shapes_are_those_of_the_mirrored_masks():
    masks, levels = hand(2), np.zeros(SIZE, np.uint8)
    both = [reference.label_sums(m, levels) for m in (masks, masks[:, :, ::-1])]
    shapes = shapes_of(np.stack(both), np.tile(SIZE, (2, 1)), np.full(2, 8), np.zeros(2, np.int64))
    turned = turn(shapes, np.array([False, True]))
    for name in ("centre_x", "centre_y", "direction_deg"):
        np.testing.assert_allclose(*getattr(turned, name), atol=1e-9)


def test_places_beside_others_leave_out_where_the_hand_lies():
    stacks = [hand(seed) for seed in range(10)]
    stacks[0][1] = False
    stacks[1][:5] = False  # one class tells nothing of the others
    found = findings_of(stacks).shapes
    beside = beside_others(found)
    spread, whole = (np.std(shapes.centre_x[2:], axis=0) for shapes in (beside, found))
    assert (spread < whole / 2).all()
    np.testing.assert_array_equal(beside.centre_x[1], found.centre_x[1])
    assert np.isnan(beside.centre_x[0, 1])


def test_images_without_an_order_have_no_sides():
    assert not mirrored_images(np.zeros((20, 4)), ClassList(("a", "b", "c", "d"))).any()
