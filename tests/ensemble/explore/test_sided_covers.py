import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ensemble.explore.sided_covers import COVER_CELLS, SidedCovers

ORDER = np.array([-1.0, 0.25, 0.75])


def added(covers, signs):
    total = SidedCovers(3)
    for cover, sign in zip(covers, signs, strict=True):
        total.add(cover, sign * ORDER)
    return total


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.booleans())
def test_the_sum_is_that_of_covers_turned_one_by_one(is_left, turns_left):
    rng = np.random.default_rng(0)
    covers = rng.random((len(is_left), 3, COVER_CELLS, COVER_CELLS))
    left = np.array(is_left)
    is_mirrored = left if turns_left else ~left
    total = added(covers, np.where(left, -1, 1))
    turned = np.where(is_mirrored[:, None, None, None], covers[..., ::-1], covers).sum(axis=0)
    np.testing.assert_allclose(total.sum(is_mirrored), turned)
    nothing = np.zeros(len(left), np.bool_)
    np.testing.assert_allclose(total.sum(nothing), covers.sum(axis=0))


def test_an_image_that_tells_nothing_stays_as_it_is():
    rng = np.random.default_rng(0)
    covers = rng.random((4, 3, COVER_CELLS, COVER_CELLS))
    total = added(covers, [0, 1, -1, 1])
    expected = covers[[0, 1, 3]].sum(axis=0) + covers[2, ..., ::-1]
    np.testing.assert_allclose(total.sum(np.array([False, False, True, False])), expected)
