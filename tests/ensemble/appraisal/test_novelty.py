from __future__ import annotations

import numpy as np
import pytest

from ensemble.appraisal.novelty import LEAST_GROUPS, novelty


def images(seed, count=40, spread=(0.1, 0.02, 0.05)):
    """Figures that vary together, two images a person."""
    rng = np.random.default_rng(seed)
    of_person = np.repeat(rng.normal(0, 1, (count // 2, 3)), 2, axis=0)
    mixed = (of_person + 0.2 * rng.normal(0, 1, (count, 3))) @ rng.normal(0, 1, (3, 3))
    return 0.5 + mixed * spread, [f"p{i // 2}" for i in range(count)]


def test_what_is_like_known_images_seldom_lies_beyond_all_of_them():
    """40 known of 20 persons: of one more, one in 21 may."""
    rng = np.random.default_rng(1)
    figures, groups = images(0, count=400)
    beyond = []
    for _ in range(50):
        chosen = rng.permutation(200)
        known = np.isin(np.repeat(np.arange(200), 2), chosen[:20])
        of_known = [group for group, is_known in zip(groups, known, strict=True) if is_known]
        beyond.append((novelty(figures[known], of_known, figures[~known]) > 1).mean())
    assert 0.005 < np.mean(beyond) < 0.12


def test_few_images_with_many_figures_do_not_make_others_unlike():
    """12 points in 9 dimensions lie near to a fit of themselves, other ones do not."""
    figures = np.random.default_rng(0).normal(0.5, 0.1, (300, 9))
    groups = [str(i) for i in range(12)]
    assert (novelty(figures[:12], groups, figures[12:]) > 1).mean() < 0.15


def test_what_breaks_how_figures_go_together_is_unlike():
    """Within the range of each figure, and yet of another kind."""
    rng = np.random.default_rng(0)
    first = rng.random(60)
    known = np.stack([first, first + rng.normal(0, 0.02, 60)], axis=1)
    groups = [str(i) for i in range(60)]
    same, swapped = novelty(known, groups, np.array([[0.3, 0.3], [0.2, 0.8]]))
    assert same < 0.5
    assert swapped > 1.5


def test_a_figure_that_never_changed_counts_by_shares():
    known = np.stack([np.linspace(0.4, 0.6, 20), np.zeros(20)], axis=1)
    groups = [str(i) for i in range(20)]
    near, far = novelty(known, groups, np.array([[0.5, 0.001], [0.5, 0.5]]))
    assert near < 1
    assert far > 5


def test_equal_images_are_not_unlike_each_other():
    known = np.full((10, 2), 0.3)
    found = novelty(known, [str(i) for i in range(10)], known[:2])
    np.testing.assert_allclose(found, 0, atol=1e-9)


@pytest.mark.parametrize("num_groups", [LEAST_GROUPS - 1, LEAST_GROUPS])
def test_of_few_people_nothing_is_said(num_groups):
    figures, _ = images(0, count=20)
    groups = [str(i % num_groups) for i in range(20)]
    assert np.isnan(novelty(figures, groups, figures)).all() == (num_groups < LEAST_GROUPS)
