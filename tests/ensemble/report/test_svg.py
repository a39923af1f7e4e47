from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.report.svg import Axis, Scale, chart, describe, element, tick_text

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
    assert axis.place(low) > 100 or axis.low == 0 or high == low or high - low < 1e-6 * abs(high)
    assert axis.low >= 0 or low < 0
    is_nothing = max(abs(low), abs(high)) < 1e-300
    assert axis.high <= 0 or high > 0 or is_nothing


@given(finite, st.floats(1e-3, 1e3), st.floats(0, 10), st.floats(0, 10))
def test_an_axis_has_its_least_span_within_limits(low, width, least, beyond):
    limits = (low - beyond, low + width + beyond)
    axis = Axis.over(low, low + width, 0, 100, scale=Scale(limits=limits, least_span=least))
    assert limits[0] <= axis.low <= low
    assert low + width <= axis.high <= limits[1]
    free = Axis.over(low, low + width, 0, 100, scale=Scale(least_span=least))
    assert free.high - free.low >= least * 0.999 - 1e-6 * abs(low)


@pytest.mark.parametrize(
    ("values", "scale", "ends"),
    [
        ((0.2, 0.2), Scale(), (0, 0.4)),
        ((-3.0, -3.0), Scale(), (-6, 0)),
        ((0.0, 0.0), Scale(), (0, 1)),
        ((0.9, 0.9), Scale(limits=(0, 1)), (0, 1)),
        ((0.568509, 0.568512), Scale(), (0.56821, 0.56881)),
        ((0.999, 1.0), Scale(limits=(0, 1), least_span=0.01), (0.9897, 1)),
        ((0.5, 0.6), Scale(holds=(0.0,)), (0, 0.618)),
        ((0.5, 0.6), Scale(holds=(0.1, 0.9)), (0.076, 0.924)),
    ],
)
def test_the_ends_of_an_axis(values, scale, ends):
    axis = Axis.over(*values, 0, 1, scale=scale)
    assert (axis.low, axis.high) == pytest.approx(ends, abs=1e-5)


@given(st.floats(1e-9, 1e9), st.floats(0, 1))
def test_numbers_of_ticks_differ_and_are_short(low, share):
    texts = [tick_text(tick) for tick in Axis.over(low, low * (1 + share), 0, 1).ticks()]
    assert len(set(texts)) == len(texts) > 1
    assert max(map(len, texts)) <= 10


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
    assert [tick_text(t) for t in (9999, 2e6, 3.5e9)] == ["9999", "2M", "3.5G"]
    near = Axis.over(75000, 76000, 0, 1, is_log=True).ticks()  # no 1, 2 or 5 of a decade
    assert len(near) > 2


def test_a_description_lists_a_few_names():
    assert describe("bars", "Dice", "ab") == "bars of Dice: a, b"
    assert describe("lines", "", "abcdefgh") == "lines: a, b, c, d, e, f and 2 more"
    assert describe("lines", "", [""]) == "lines"
