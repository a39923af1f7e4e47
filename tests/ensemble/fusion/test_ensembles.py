"""The normative formulas: the engine against its float64 twin."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import reference
from ensemble.classes import ClassList
from ensemble.errors import MemberError, WeightsError
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.mask_stream import stream_masks
from ensemble.fusion.weights import FusionWeights, uniform_weights
from ensemble.maps.views import parse_views
from ensemble.members.manifest import WindowSpec
from ensemble.runs.filters import NO_FILTER, ClassFilter
from ensemble.runs.rle import area, decode
from fakes import smooth_image, tiny_member

OVERLAPPING = ClassList(("left", "right", "spine", "skin"), mirror_pairs=(("left", "right"),))
EXCLUSIVE = replace(OVERLAPPING, exclusive=True)
GRIDS = ((24, 32), (40, 20), (16, 16))
VIEWS = "hflip,scale=0.75:1"
TOLERANCE = 1e-5


def three_members(classes):
    return [tiny_member(f"m{i}", classes, size, seed=i) for i, size in enumerate(GRIDS)]


def per_class_weights(members, *, space="prob", views=VIEWS):
    rng = np.random.default_rng(1)
    weights = rng.random((len(members), 4))
    weights[0, 2] = 0
    return replace(
        uniform_weights(members, views=views, space=space),
        weights=weights,
        thresholds=np.array([0.45, 0.5, 0.55, 0.6]),
    )


@pytest.mark.parametrize("space", ["prob", "logit"])
@pytest.mark.parametrize("size", [(61, 47), (16, 90), (1, 33), (20, 20)])
@pytest.mark.parametrize("views", ["", VIEWS, "rot90,hflip"])
def test_overlapping_masks_equal_the_twin(space, size, views):
    members = three_members(OVERLAPPING)
    weights = per_class_weights(members, space=space, views=views)
    image = smooth_image(size)
    engine = Ensemble(members, weights)
    fused = reference.fused_map(members, weights, parse_views(views), image)
    limits = weights.thresholds
    if space == "logit":
        limits = np.log(limits / (1 - limits))
    decided = 0
    for plane, limit, runs in zip(fused, limits, engine.predict(image), strict=True):
        clear = np.abs(plane - limit) >= TOLERANCE
        assert (decode(runs, size) == (plane > limit))[clear].all()
        decided += clear.sum()
    assert decided > 0.99 * fused.size


@pytest.mark.parametrize("space", ["prob", "logit"])
@pytest.mark.parametrize("size", [(61, 47), (16, 90)])
def test_exclusive_masks_equal_the_twin(space, size):
    members = three_members(EXCLUSIVE)
    weights = per_class_weights(members, space=space)
    image = smooth_image(size)
    engine = Ensemble(members, weights)
    fused = reference.fused_map(members, weights, parse_views(VIEWS), image)
    masks = np.stack([decode(runs, size) for runs in engine.predict(image)])
    assert (masks.sum(0) == 1).all()
    ordered = np.sort(fused, axis=0)
    clear = ordered[-1] - ordered[-2] >= TOLERANCE
    assert clear.mean() > 0.99
    assert (masks.argmax(0) == fused.argmax(0))[clear].all()


@pytest.mark.parametrize("classes", [OVERLAPPING, EXCLUSIVE], ids=["overlapping", "exclusive"])
def test_logits_are_cut_as_in_the_twin(classes):
    members = three_members(classes)
    for member in members:
        for parameter in member.network.parameters():
            parameter.data *= 20
    weights = per_class_weights(members, space="logit")
    image = smooth_image((30, 40))
    fused = reference.fused_map(members, weights, parse_views(VIEWS), image)
    total = sum(
        np.stack([reference.interpolate(plane, (30, 40)) for plane in grid])
        for grid in fused_maps(members, weights, image)
    )
    np.testing.assert_allclose(total, fused, atol=1e-4)


@pytest.mark.parametrize("classes", [OVERLAPPING, EXCLUSIVE], ids=["overlapping", "exclusive"])
@pytest.mark.parametrize("space", ["prob", "logit"])
def test_one_member_sure_beyond_measure_does_not_outvote_two(classes, space):
    """Two that say .999 for one class against one whose logits say 1e4 for another."""
    says = [(1e4, -1e4, -1e4, -1e4), (-8.0, 8.0, -8.0, -8.0), (-8.0, 8.0, -8.0, -8.0)]
    members = [constant_member(f"m{i}", classes, logits=logits) for i, logits in enumerate(says)]
    masks = Ensemble(members, uniform_weights(members, space=space)).predict(smooth_image((9, 7)))
    assert [area(runs) for runs in masks] == [0, 63, 0, 0]


def constant_member(name, classes, *, logits):
    member = tiny_member(name, classes, (8, 12))
    member.network.weight.data.zero_()
    member.network.bias.data = torch.tensor(logits)
    return member


def windowed_members(classes):
    """One member that resizes, and two with windows of other sizes, overlaps and weightings."""
    flat = WindowSpec(overlap=0.5, weighting="flat")
    return [
        tiny_member("resized", classes, (24, 32), seed=0),
        tiny_member("gauss", classes, (20, 16), seed=1, window=WindowSpec()),
        tiny_member("flat", classes, (12, 28), seed=2, window=flat, at_once=5),
    ]


@pytest.mark.parametrize("size", [(61, 47), (20, 16), (7, 90), (1, 1)])
@pytest.mark.parametrize("views", ["", "rot90,brightness=0.8:1.1", VIEWS])
@pytest.mark.parametrize("classes", [OVERLAPPING, EXCLUSIVE], ids=["overlapping", "exclusive"])
def test_windows_in_bands_of_rows_equal_the_twin(size, views, classes):
    members = windowed_members(classes)
    weights = per_class_weights(members, views=views)
    image = smooth_image(size)
    fused = reference.fused_map(members, weights, parse_views(views), image)
    masks = np.stack([decode(runs, size) for runs in Ensemble(members, weights).predict(image)])
    if classes.exclusive:
        ordered = np.sort(fused, axis=0)
        clear = ordered[-1] - ordered[-2] >= TOLERANCE
        assert (masks.argmax(0) == fused.argmax(0))[clear].all()
        assert (masks.sum(0) == 1).all()
    else:
        limits = weights.thresholds[:, None, None]
        clear = np.abs(fused - limits) >= TOLERANCE
        assert (masks == (fused > limits))[clear].all()
    assert clear.mean() > 0.98


def test_bands_end_where_no_later_window_begins():
    members = windowed_members(OVERLAPPING)
    engine = Ensemble(members, uniform_weights(members))
    bands = [band for _, band in engine.fuse([engine.prepare(smooth_image((61, 47)))])]
    assert [band.rows[0] for band in bands] == [0] + [band.rows[1] for band in bands[:-1]]
    assert bands[-1].rows[1] == 61
    assert len(bands) > 5
    assert max(band.maps[1].shape[1] for band in bands) <= 20


def fused_maps(members, weights, image):
    """The maps of the one band of members that resize, a grid each."""
    engine = Ensemble(members, weights)
    ((_, band),) = engine.fuse([engine.prepare(image)])
    return band.maps


def fused_sum(members, weights, image=None):
    maps = fused_maps(members, weights, smooth_image((30, 40)) if image is None else image)
    return sorted((grid.shape, grid.sum((1, 2)).tolist()) for grid in maps)


def test_one_member_is_its_own_ensemble():
    member = three_members(OVERLAPPING)[0]
    weights = uniform_weights([member])
    image = smooth_image((30, 40))
    (grid,) = fused_maps([member], weights, image)
    assert grid == pytest.approx(
        reference.soft_map(member, parse_views(""), image, "prob"), abs=1e-6
    )


def test_the_order_of_members_does_not_matter():
    members = three_members(OVERLAPPING)
    weights = per_class_weights(members)
    for order in ([2, 0, 1], [1, 2, 0]):
        assert fused_sum([members[i] for i in order], weights) == fused_sum(members, weights)


def test_the_scale_of_weights_does_not_matter():
    members = three_members(OVERLAPPING)
    weights = per_class_weights(members)
    tenfold = replace(weights, weights=weights.weights * np.array([10, 1, 0.1, 3]))
    for (_, ours), (_, theirs) in zip(
        fused_sum(members, weights), fused_sum(members, tenfold), strict=True
    ):
        assert ours == pytest.approx(theirs, rel=1e-5)


def test_members_of_one_grid_share_one_accumulator():
    members = [tiny_member(f"m{i}", OVERLAPPING, (16, 24), seed=i) for i in range(3)]
    maps = fused_maps(members, uniform_weights(members), smooth_image((30, 40)))
    assert [grid.shape for grid in maps] == [(4, 16, 24)]


def test_a_member_that_lacks_a_class_drops_out_of_its_sum():
    full = tiny_member("full", ClassList(("left", "spine")), (16, 16), seed=1)
    part = tiny_member("part", ClassList(("spine",)), (16, 16), seed=2)
    image = smooth_image((20, 20))
    (grid,) = fused_maps([full, part], uniform_weights([full, part]), image)
    alone = reference.soft_map(full, parse_views(""), image, "prob")
    other = reference.soft_map(part, parse_views(""), image, "prob")
    assert grid[0] == pytest.approx(alone[0], abs=1e-6)
    assert grid[1] == pytest.approx((alone[1] + other[0]) / 2, abs=1e-6)


def test_classes_are_matched_by_name_whatever_their_order():
    image = smooth_image((20, 20))
    one = tiny_member("one", ClassList(("a", "b")), (16, 16), seed=1)
    other = tiny_member("other", ClassList(("b", "a")), (16, 16), seed=1)
    (grid,) = fused_maps([one, other], uniform_weights([one, other]), image)
    soft = reference.soft_map(one, parse_views(""), image, "prob")
    assert grid[0] == pytest.approx(soft.mean(0), abs=1e-6)


def test_a_member_without_weight_is_not_asked():
    silent, speaking = three_members(OVERLAPPING)[:2]
    silent.maps = None
    weights = replace(uniform_weights([silent, speaking]), weights=np.array([[0.0] * 4, [1.0] * 4]))
    assert len(fused_maps([silent, speaking], weights, smooth_image((20, 20)))) == 1


def test_sixteen_bit_and_grey_images_are_taken():
    members = three_members(OVERLAPPING)
    deep = smooth_image((30, 40), dtype=np.uint16)
    assert fused_sum(members, uniform_weights(members), deep)
    assert fused_sum(members, uniform_weights(members), deep[:, :, 0])


def test_weights_for_other_members_are_refused():
    members = three_members(OVERLAPPING)
    with pytest.raises(WeightsError, match=r"other members.*m0, m1, m2.*got m0, m1"):
        Ensemble(members[:2], uniform_weights(members))


def test_weights_for_another_file_of_a_member_are_refused():
    members = three_members(OVERLAPPING)
    weights = uniform_weights(members)
    changed = replace(weights, sha256s=("f" * 64, *weights.sha256s[1:]))
    with pytest.raises(WeightsError, match="another file of the member m0"):
        Ensemble(members, changed)
    Ensemble(members, replace(weights, sha256s=(None,) * 3))


@pytest.mark.parametrize("classes", [OVERLAPPING, EXCLUSIVE], ids=["overlapping", "exclusive"])
def test_the_order_of_classes_in_the_weights_changes_nothing(classes):
    members = three_members(classes)
    uniform = uniform_weights(members)
    uneven = np.random.default_rng(0).random(uniform.weights.shape)
    weights = replace(uniform, weights=uneven, thresholds=np.linspace(0.3, 0.6, len(classes)))
    turned = weights.for_classes(classes.names[::-1])
    image = smooth_image((30, 40))
    engine, same = Ensemble(members, weights), Ensemble(members, turned)
    assert same.weights.class_names == classes.names
    for runs, others in zip(engine.predict(image), same.predict(image), strict=True):
        np.testing.assert_array_equal(runs, others)
    assert same.settings() == engine.settings()


def test_a_class_without_any_weight_is_refused():
    members = three_members(OVERLAPPING)
    weights = uniform_weights(members)
    columns = weights.weights.copy()
    columns[:, 1] = 0
    with pytest.raises(WeightsError, match="no member has a weight for: got right"):
        replace(weights, weights=columns)


def test_a_weight_for_a_class_that_a_member_lacks_is_refused():
    part = tiny_member("part", ClassList(("spine",)), (16, 16))
    full = tiny_member("full", ClassList(("spine", "skin")), (16, 16))
    weights = replace(uniform_weights([part, full]), weights=np.ones((2, 2)))
    with pytest.raises(WeightsError, match="part has a weight for classes that it lacks: got skin"):
        Ensemble([part, full], weights)


def test_weights_must_be_for_all_classes_of_the_members():
    members = three_members(EXCLUSIVE)
    cut = FusionWeights(
        ("m0", "m1", "m2"), (None,) * 3, ("left",), np.ones((3, 1)), np.full(1, 0.5)
    )
    with pytest.raises(WeightsError, match=r"for other classes.*expected left, right, spine, skin"):
        Ensemble(members, cut)


FILTERS = (
    ClassFilter(keep_largest=1),
    NO_FILTER,
    ClassFilter(fill_holes=True),
    ClassFilter(min_area_px=60),
)


@pytest.mark.parametrize("windowed", [False, True])
def test_filters_are_applied_to_the_masks_of_the_whole_image(windowed):
    members = windowed_members(OVERLAPPING) if windowed else three_members(OVERLAPPING)
    plain = per_class_weights(members)
    image = smooth_image((61, 47))
    masks = Ensemble(members, plain).predict(image)
    engine = Ensemble(members, replace(plain, filters=FILTERS))
    found = engine.predict(image)
    expected = [each.apply(runs, (61, 47)) for each, runs in zip(FILTERS, masks, strict=True)]
    assert [runs.tolist() for runs in found] == [runs.tolist() for runs in expected]
    assert any(len(a) != len(b) for a, b in zip(found, masks, strict=True))
    (streamed,) = stream_masks(engine, [("x", engine.prepare(image))])
    assert [runs.tolist() for runs in streamed.runs] == [runs.tolist() for runs in found]
    assert engine.settings() != Ensemble(members, plain).settings()


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("space", ["prob", "logit"])
def test_a_mask_is_kept_only_with_enough_sure_pixels_in_the_whole_image(windowed, space):
    members = windowed_members(OVERLAPPING) if windowed else three_members(OVERLAPPING)
    plain = replace(per_class_weights(members), space=space)
    image = smooth_image((61, 47))
    levels = plain.thresholds + 0.01
    surer = Ensemble(members, replace(plain, thresholds=levels)).predict(image)
    sure_px = [area(runs) for runs in surer]
    assert min(sure_px) > 0
    masks = Ensemble(members, plain).predict(image)
    for extra in (0, 1):  # just enough, and one too few
        filters = tuple(
            ClassFilter(sure_threshold=level, min_sure_px=count + extra)
            for level, count in zip(levels.tolist(), sure_px, strict=True)
        )
        found = Ensemble(members, replace(plain, filters=filters)).predict(image)
        expected = [runs.tolist() for runs in masks] if extra == 0 else [[]] * len(masks)
        assert [runs.tolist() for runs in found] == expected


def test_filters_of_exclusive_classes_are_refused():
    members = three_members(EXCLUSIVE)
    weights = replace(uniform_weights(members), filters=FILTERS)
    with pytest.raises(WeightsError, match="without one"):
        Ensemble(members, weights)


def test_members_that_disagree_on_exclusiveness_are_refused():
    members = [
        tiny_member("a", OVERLAPPING, (16, 16)),
        tiny_member("b", EXCLUSIVE, (16, 16)),
    ]
    with pytest.raises(MemberError, match=r"a overlapping, b exclusive \(name .*--members\)"):
        uniform_weights(members)


def test_an_answer_that_is_not_finite_is_refused_with_the_member_named():
    member = tiny_member("broken", OVERLAPPING, (16, 16))
    member.network.bias.data[0] = float("nan")
    with pytest.raises(MemberError, match=r"broken: .*not finite"):
        Ensemble([member], uniform_weights([member])).predict(smooth_image((20, 20)))
