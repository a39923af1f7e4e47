import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.maps.windows import order_rows, plan_windows

plans = st.tuples(
    st.integers(1, 60),
    st.integers(0, 200),
    st.floats(0, 0.9),
    st.sampled_from(["gaussian", "flat"]),
)


@given(plans)
def test_weights_sum_to_one_at_every_place(plan):
    size, more, overlap, weighting = plan
    axis = plan_windows(size + more, size, overlap=overlap, weighting=weighting)
    total = np.zeros(size + more)
    for start, weights in zip(axis.starts, axis.weights, strict=True):
        total[start : start + size] += weights
    np.testing.assert_allclose(total, 1, atol=1e-6)


@given(plans)
def test_windows_reach_both_borders_and_overlap_as_asked(plan):
    size, more, overlap, weighting = plan
    starts = plan_windows(size + more, size, overlap=overlap, weighting=weighting).starts
    assert (starts[0], starts[-1]) == (0, more)
    steps = np.diff(starts)
    assert (steps > 0).all()
    # both ends of a step are rounded to whole pixels
    assert (steps <= max(size * (1 - overlap), 1) + 1).all()


@pytest.mark.parametrize(("length", "starts"), [(8, (0,)), (9, (0, 1)), (20, (0, 6, 12))])
def test_windows_are_as_few_as_will_do(length, starts):
    assert plan_windows(length, 8, overlap=0.25, weighting="flat").starts == starts


def test_a_gaussian_weighs_the_middle_of_a_window_most():
    axis = plan_windows(24, 16, overlap=0.5, weighting="gaussian")
    first = axis.weights[0]
    assert (first[:8] == 1).all()
    assert (np.diff(first[8:]) < 0).all()


@given(st.lists(plans, min_size=1, max_size=3), st.integers(0, 100))
def test_rows_of_several_plans_are_in_order_and_done_where_they_say(several, below):
    axes = [plan_windows(a + b, a, overlap=c, weighting=d) for a, b, c, d in several]
    height = max(axis.starts[-1] for axis in axes) + 1 + below
    rows = order_rows([axis.starts for axis in axes], height)
    every = {(plan, row) for plan, axis in enumerate(axes) for row in range(len(axis.starts))}
    assert {(look.plan, look.row) for look in rows} == every
    assert len(rows) == len(every)
    tops = [axes[look.plan].starts[look.row] for look in rows]
    assert [look.end for look in rows] == [*tops[1:], height]
    assert tops == sorted(tops)
