"""Filters chosen for masks that need them, against masks made and scored by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import reference
from ensemble.bit_planes import Label, pack
from ensemble.fusion.soft_maps import PROB_SCALE, scale_of
from ensemble.runs.filters import NO_FILTER, ClassFilter
from ensemble.runs.rle import encode
from ensemble.tuning.filter_choice import FilterScores, filter_menu, fused_grids
from ensemble.tuning.rules import Rules

SIZE = (30, 40)
NUM_IMAGES = 12
GROUPS = [f"p{i}" for i in range(NUM_IMAGES)]
FOLDS = np.arange(NUM_IMAGES) % 3
RULES = Rules(np.array([[1.0], [1.0]]), np.array([0.5, 0.5]))
AREA = 80
MENUS = [filter_menu(AREA)] * 2


def speckled(rng, clean):
    """A block of AREA pixels; a map of it, and beside it a speck of 4 pixels unless it is clean."""
    top, left = rng.integers(1, 15, 2)
    mask = np.zeros(SIZE, bool)
    mask[top : top + 8, left : left + 10] = True
    plane = np.where(mask, 230, 20).astype(np.uint8)
    if not clean:
        plane[27:29, 36:38] = 200
    return mask, plane


def scores():
    rng = np.random.default_rng(0)
    found = FilterScores(MENUS, bits=(1, 0))
    for _ in range(NUM_IMAGES):
        (mask, plane), (other, clean) = speckled(rng, False), speckled(rng, True)
        label = Label(pack(np.stack([other, mask])))  # the classes lie there the other way round
        found.add([[plane], [clean]], label, RULES)
    return found


def test_specks_are_dropped_where_they_are_and_nothing_is_done_elsewhere():
    choice = scores().result(FOLDS, GROUPS, seed=0)
    assert choice.filters[0] in (ClassFilter(min_area_px=8), ClassFilter(keep_largest=1))
    assert choice.filters[1] == NO_FILTER
    assert_allclose(choice.plain[:, 0], 2 * AREA / (2 * AREA + 4), atol=1e-6)
    assert_allclose(choice.kept, 1, atol=1e-6)
    assert_allclose(choice.gain.mean, [4 / (2 * AREA + 4), 0], atol=1e-6)


def test_what_a_fold_scores_was_chosen_on_the_others():
    found = scores()
    for i in np.flatnonzero(FOLDS == 1):  # the filters harm in this fold
        found._overlaps[i][1:, 0] = [[AREA, AREA // 5, AREA]] * len(MENUS[0])
    choice = found.result(FOLDS, GROUPS, seed=0)
    assert_allclose(choice.kept[FOLDS == 1, 0], 0.2, atol=1e-6)
    assert_array_equal(choice.kept[FOLDS != 1, 0], choice.plain[FOLDS != 1, 0])


@pytest.mark.parametrize("size", [(30, 40), (17, 60)])
def test_fused_grids_are_those_of_the_twin(size):
    rng = np.random.default_rng(3)
    grids = ((12, 9), (12, 9), (20, 31))
    maps = [[rng.integers(0, 256, grid).astype(np.uint8) for grid in grids] for _ in range(2)]
    maps[1][0] = None
    rules = Rules(np.array([[0.2, 0.5, 0.3], [0.0, 0.4, 0.6]]), np.array([0.45, 0.6]))
    for c, grids in enumerate(fused_grids(maps, rules)):
        found = sum(reference.interpolate(grid[0].astype(np.float64), size) for grid in grids)
        expected = sum(
            weight * reference.interpolate(plane.astype(np.float64), size) / 255
            for weight, plane in zip(rules.weights[c], maps[c], strict=True)
            if plane is not None
        )
        assert_allclose(found, expected, atol=1e-6)
        assert len(grids) == len({plane.shape for plane in maps[c] if plane is not None})


@pytest.mark.parametrize("scale", [PROB_SCALE, scale_of("logit", exclusive=False)])
def test_masks_without_a_sure_pixel_are_dropped_where_the_class_is_often_absent(scale):
    rng = np.random.default_rng(1)
    found = FilterScores([filter_menu(AREA)], bits=(0,), scale=scale)
    half, level, sure = np.ceil(255 * scale.shares(np.array([0.5, 0.6, 0.95])))
    for i in range(NUM_IMAGES):
        mask, _ = speckled(rng, True)
        plane = np.where(mask, level if i % 2 else sure, 0).astype(np.uint8)  # odd: a ghost
        truth = mask & (i % 2 == 0)
        rules = Rules(np.array([[1.0]]), np.array([half / 255]))
        found.add([[plane]], Label(pack(truth[None])), rules)
    choice = found.result(FOLDS, GROUPS, seed=0)
    assert choice.filters[0].min_sure_px > 0
    assert_allclose(choice.plain[:, 0], np.arange(NUM_IMAGES) % 2 == 0, atol=1e-5)
    assert_allclose(choice.kept, 1, atol=1e-6)


def test_the_menu_follows_the_size_of_a_class():
    assert ClassFilter(min_area_px=100) in filter_menu(1000)
    assert ClassFilter(min_area_px=2) in filter_menu(0)
    speck = np.zeros((5, 6), bool)
    speck[0, 0] = True
    for each in filter_menu(0)[1:3]:
        assert not len(each.apply(encode(speck), speck.shape))
