from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.report.svg import Axis, chart, element, tick_text

finite = st.floats(-1e9, 1e9)


def test_text_and_attributes_are_escaped():
    drawn = chart(10, 20, 'a "b" & <c>', element("text", "<&>", class_="x", font_size=3.14159))
    root = ElementTree.fromstring(str(drawn))
    assert root.get("aria-label") == 'a "b" & <c>'
    assert root[0].text == 'a "b" & <c>'
    assert root[1].text == "<&>"
    assert root[1].attrib == {"class": "x", "font-size": "3.14"}


@given(finite, finite)
def test_an_axis_holds_its_values_in_order(a, b):
    low, high = min(a, b), max(a, b)
    axis = Axis.over(low, high, 100, 300)
    assert 100 <= axis.place(low) <= axis.place(high) <= 300
    assert axis.place(low) > 100 or high == low or high - low < 1e-6 * abs(high)


@given(finite, st.floats(1e-3, 1e9))
def test_ticks_are_few_round_and_inside(low, width):
    axis = Axis.over(low, low + width, 0, 100)
    ticks = axis.ticks()
    assert 3 <= len(ticks) <= 8
    assert all(-1e-6 <= axis.place(tick) <= 100 + 1e-6 for tick in ticks)


@given(st.floats(1e-3, 1e6), st.floats(1.01, 1e6))
def test_a_logarithmic_axis_gives_equal_factors_equal_room(low, factor):
    axis = Axis.over(low, low * factor, 0, 100, is_log=True)
    middle = axis.place(low * factor**0.5)
    assert middle == pytest.approx((axis.place(low) + axis.place(low * factor)) / 2)
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks())


def test_ticks_of_a_logarithmic_axis_and_their_text():
    ticks = Axis.over(900, 60000, 0, 1, is_log=True).ticks()
    assert [tick_text(t) for t in ticks] == ["1000", "2000", "5000", "10k", "20k", "50k"]
    assert tick_text(-0.5) == "-0.5"
