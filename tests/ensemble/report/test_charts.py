import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ensemble.report.charts import bars, box_plot, histogram, lines, scatter, steps
from ensemble.report.svg import Scale

NAME = 'Pisi<form> & "co"'
values = hnp.arrays(np.float64, st.integers(0, 30), elements=st.floats(-1e6, 1e6))


def parse(markup):
    return ElementTree.fromstring(str(markup))


def marks(root):
    return [e for e in root.iter() if "mark" in e.get("class", "").split()]


def one(root, kind):
    return next(e for e in root.iter() if kind in e.get("class", "").split())


@given(st.lists(values, min_size=1, max_size=4))
def test_every_group_has_a_row_by_its_name_whatever_its_values(groups):
    root = parse(box_plot({f"{NAME}{i}": group for i, group in enumerate(groups)}, unit="px"))
    assert [m.get("data-search") for m in marks(root)] == [f"{NAME}{i}" for i in range(len(groups))]
    text = "".join(root.itertext())
    assert all(f"{len(group)} values" in text or not len(group) for group in groups)


def test_a_box_shows_quartiles_and_what_is_far():
    group = np.append(np.arange(101.0), 1000)
    root = parse(box_plot({"a": group, "b": [np.nan, 500.0]}))
    ticks = {
        float(e.text): float(e.get("x"))
        for e in root.iter("text")
        if e.get("class") == "tick" and e.text
    }
    assert ticks
    scale = (ticks[1000.0] - ticks[0.0]) / 1000
    box, median = one(root, "box"), one(root, "median")
    first, middle, third = np.quantile(group, [0.25, 0.5, 0.75])
    assert float(box.get("x")) == pytest.approx(ticks[0.0] + first * scale, abs=0.02)
    assert float(box.get("width")) == pytest.approx((third - first) * scale, abs=0.02)
    assert float(median.get("x1")) == pytest.approx(ticks[0.0] + middle * scale, abs=0.02)
    far = [float(e.get("cx")) for e in root.iter() if e.get("class") == "far"]
    assert far == [pytest.approx(ticks[1000.0], abs=0.02)]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_whiskers_begin_where_the_box_ends_and_lead_away(group):
    root = parse(box_plot({"a": group}))
    box = one(root, "box")
    left, right = [e for e in root.iter("line") if e.get("class") == "whisker"]
    start, width = float(box.get("x")), float(box.get("width"))
    assert float(left.get("x1")) <= float(left.get("x2")) == pytest.approx(start, abs=0.02)
    assert float(right.get("x1")) <= float(right.get("x2"))
    assert float(right.get("x1")) == pytest.approx(start + width, abs=1.02)


def test_bars_are_as_long_as_their_values():
    root = parse(bars({"a": 2.0, NAME: 1.0, "none": 0.0}))
    widths = [float(e.get("width")) for e in root.iter("rect")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.02)
    assert widths[2] < 1
    assert [m.get("data-search") for m in marks(root)] == ["a", NAME, "none"]


@given(values, values)
def test_histograms_of_any_values_are_drawn(here, there):
    root = parse(histogram({"here": here, "there": there}, unit="px"))
    assert root.get("role") == "img"


def test_each_series_of_a_histogram_fills_the_same_height_when_alike():
    given = np.random.default_rng(0).normal(0, 1, 500)
    root = parse(histogram({"few": given, "many": np.tile(given, 3)}))
    paths = [e.get("d") for e in root.iter("path")]
    assert len(paths) == 2
    assert paths[0] == paths[1]


def test_points_without_a_value_are_left_out():
    root = parse(scatter([0, 1, np.nan, 2], [5, np.nan, 1, 7], ["a", "b", "c", NAME]))
    assert [m.get("data-search") for m in marks(root)] == ["a", NAME]
    low, high = marks(root)
    assert float(low.get("cx")) < float(high.get("cx"))
    assert float(low.get("cy")) > float(high.get("cy"))
    assert parse(scatter([], [], [])).get("role") == "img"


def test_lines_have_a_legend_of_their_names():
    root = parse(lines({"a": ([0, 1], [1, 2]), NAME: ([0, np.nan, 2], [1, 5, 3])}, axes=("t", "d")))
    texts = [e.text for e in root.iter("text")]
    assert {"a", NAME, "t", "d"} <= set(texts)
    assert [e.get("d").count("L") for e in root.iter("path")] == [1, 1]


def ticks(root, anchor):
    return [e for e in root.iter("text") if e.get("text-anchor") == anchor and e.get("x") != "342"]


@pytest.mark.parametrize("y", [[0.568509, 0.568512], [-12345.5, 123456], [0.1], [1e-7, 2e-7]])
def test_numbers_beside_an_axis_stand_in_the_chart_and_apart(y):
    root = parse(
        scatter(np.linspace(1.23456, 1.3, len(y)), y, ["a", "b"][: len(y)], size=(240, 150))
    )
    beside = [e for e in ticks(root, "end") if e.text]
    assert len(beside) > 1
    assert all(float(e.get("x")) >= 6.1 * len(e.text) for e in beside)
    below = sorted((float(e.get("x")), len(e.text)) for e in ticks(root, "middle"))
    for (left, width), (right, other) in itertools.pairwise(below):
        assert right - left >= 6.1 * (width + other) / 2


def test_a_single_time_has_an_axis_from_zero():
    root = parse(scatter([0.2, 0.2], [0.5, 0.6], ["a", "b"], axes=("s", "Dice")))
    numbers = [float(e.text) for e in ticks(root, "middle")]
    assert min(numbers) == 0
    assert max(numbers) <= 0.4


def test_a_scale_holds_what_it_is_told_to():
    scale = Scale("Dice", holds=(0.0, 1.0), limits=(0.0, 1.0))
    points = ([0, 1], [0.5, 0.52])
    drawn = [
        parse(kind)
        for kind in (
            lines({"a": points}, axes=("t", scale), size=(240, 150)),
            scatter(*points, ["a", "b"], axes=("t", scale), size=(240, 150)),
            box_plot({"a": points[1]}, unit=scale),
        )
    ]
    for root in drawn:
        assert {"0", "1"} <= {e.text for e in root.iter("text")}
        assert "Dice" in {e.text for e in root.iter("text")}


def test_a_histogram_has_numbers_of_its_shares():
    shares = np.array([0.5, 0.3, 0.2])
    root = parse(steps({"a": (np.arange(4.0), shares)}, unit="px"))
    places = {e.text: float(e.get("y")) - 4 for e in ticks(root, "end") if e.text != "px"}
    assert {"0", "0.5"} <= set(places)
    top = min(
        float(y) for y in re.findall(r"[ML][-\d.]+ ([-\d.]+)", next(root.iter("path")).get("d"))
    )
    assert top == pytest.approx(places["0.5"], abs=0.1)
    assert "share" in {e.text for e in root.iter("text")}
    single = parse(histogram({"a": [0.2, 0.2]}))
    assert min(float(e.text) for e in ticks(single, "middle")) >= 0


@pytest.mark.parametrize(
    ("drawn", "told"),
    [
        (box_plot({"a": [1]}, unit=Scale("Dice")), "box plot of Dice: a"),
        (box_plot({"a": [1], "b": [2]}, unit="px"), "box plot of px: a, b"),
        (bars({"a": 1}, unit="persons"), "bars of persons: a"),
        (histogram({"here": [1, 2]}, unit="level"), "histogram of level: here"),
        (histogram({"here": []}, unit="level"), "histogram of level: here"),
        (lines({"a": ([0], [1])}, axes=("t", "Dice")), "lines of Dice against t: a"),
        (lines({"a": ([0], [1])}), "lines: a"),
        (scatter([0], [1], ["x"], axes=("s", "Dice")), "scatter plot of Dice against s: x"),
        (lines({"a": ([0], [1])}, label="given"), "given"),
    ],
)
def test_a_chart_says_of_what_it_is(drawn, told):
    assert parse(drawn).get("aria-label") == told
