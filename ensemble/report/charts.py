"""Charts as SVG: small functions of arrays, coloured through the page's CSS variables.

matplotlib's SVG fixes its colours, which cannot follow light and dark, and is ten times as large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from ensemble.report.frames import (
    AXIS_PX,
    RIGHT_PX,
    ROW_PX,
    TOP_PX,
    WIDTH,
    draw_frame,
    draw_grid,
    draw_legend,
    gutter_px,
    label_px,
    plane,
    row_name,
    segment,
    short_name,
)
from ensemble.report.svg import Axis, Scale, chart, describe, element
from ensemble.report.tables import show

_WHISKER = 1.5
_MOST_MARKS = 60  # beyond the whiskers of a box; the furthest are drawn

Floats = NDArray[np.float64]
Axes = tuple[str | Scale, str | Scale]


def box_plot(
    groups: Mapping[str, ArrayLike],
    *,
    unit: str | Scale = "",
    is_log: bool = False,
    label: str = "",
) -> Markup:
    """A horizontal box a group, in the order given: quartiles, median, whiskers, outliers.

    Whiskers end at the last value within 1.5 times the box's width. NaN is no value.
    """
    scale = unit if isinstance(unit, Scale) else Scale(unit)
    values = {name: _finite(group) for name, group in groups.items()}
    filled = [group for group in values.values() if len(group)] or [np.array([1.0])]
    everything = np.concatenate(filled)
    ends = (float(everything.min()), float(everything.max()))
    axis = Axis.over(*ends, label_px(values), WIDTH - RIGHT_PX, is_log=is_log, scale=scale)
    height = len(values) * ROW_PX + AXIS_PX
    boxes = [
        _box_row(name, group, axis, row * ROW_PX, scale.title)
        for row, (name, group) in enumerate(values.items())
    ]
    label = label or describe("box plot", scale.title, groups)
    return chart(WIDTH, height, label, draw_grid(axis, height - AXIS_PX, scale.title), *boxes)


def _box_row(name: str, values: Floats, axis: Axis, top: float, unit: str) -> Markup:
    middle = top + ROW_PX / 2
    text = row_name(name, axis.start, middle)
    if not len(values):
        tip = element("title", f"{name}: no value")
        return element("g", tip, text, class_="mark", data_search=name)
    first, median, third = np.quantile(values, [0.25, 0.5, 0.75])
    reach = _WHISKER * (third - first)
    inside = values[(values >= first - reach) & (values <= third + reach)]
    beyond = values[(values < first - reach) | (values > third + reach)]
    beyond = beyond[np.argsort(-np.abs(beyond - median))][:_MOST_MARKS]
    # of few values the last one inside may lie within the box, whose ends are interpolated
    ends = min(inside.min(), first), max(inside.max(), third)
    places = [axis.place(float(v)) for v in (ends[0], first, median, third, ends[1])]
    tip = element(
        "title",
        f"{name}: median {show(float(median))} {unit}, quartiles {show(float(first))} to "
        f"{show(float(third))}, {len(values)} values",
    )
    half = ROW_PX * 0.32
    return element(
        "g",
        tip,
        text,
        segment(places[0], middle, places[1], middle, "whisker"),
        segment(places[3], middle, places[4], middle, "whisker"),
        element(
            "rect",
            x=places[1],
            y=middle - half,
            width=max(places[3] - places[1], 1.0),
            height=2 * half,
            rx=2,
            class_="box",
        ),
        segment(places[2], middle - half, places[2], middle + half, "median"),
        *(
            element("circle", cx=axis.place(float(v)), cy=middle, r=1.8, class_="far")
            for v in beyond
        ),
        class_="mark",
        data_search=name,
    )


def bars(
    values: Mapping[str, float],
    *,
    unit: str = "",
    high: float | None = None,
    width: int = WIDTH,
    label: str = "",
) -> Markup:
    """A horizontal bar a name from 0 on, with its figure behind it."""
    most = max([*values.values(), 0.0]) if high is None else high
    start = label_px(values)
    axis = Axis(0.0, most or 1.0, start, width - 60)
    rows = []
    for row, (name, value) in enumerate(values.items()):
        middle, end = (row + 0.5) * ROW_PX, axis.place(value)
        rows.append(
            element(
                "g",
                element("title", f"{name}: {show(value)} {unit}"),
                row_name(name, start, middle),
                element(
                    "rect",
                    x=start,
                    y=middle - 6,
                    width=max(end - start, 0.5),
                    height=12,
                    rx=2,
                    class_="bar",
                ),
                element("text", show(value), x=end + 6, y=middle + 4, class_="figure"),
                class_="mark",
                data_search=name,
            )
        )
    label = label or describe("bars", unit, values)
    return chart(width, max(len(values), 1) * ROW_PX + 4, label, *rows)


def histogram(
    series: Mapping[str, ArrayLike],
    *,
    unit: str = "",
    num_bins: int | None = None,
    size: tuple[int, int] = (360, 200),
    label: str = "",
) -> Markup:
    """Shares of values a bin; several series lie over each other, each with shares of its own.

    By default there are twice as many bins as the cube root of the values (Rice), 8 to 32.
    """
    values = {name: _finite(given) for name, given in series.items()}
    everything = np.concatenate([*values.values(), np.zeros(0)])
    if not len(everything):
        label = label or describe("histogram", unit, series)
        return chart(*size, label, element("text", "no value", x=10, y=20))
    low, high = float(everything.min()), float(everything.max())
    count = num_bins or int(np.clip(2 * np.cbrt(len(everything)), 8, 32))
    half = abs(low) / 2 or 0.5
    edges = np.linspace(low, high, count + 1) if high > low else np.array([low - half, low + half])
    shares = {
        name: np.histogram(given, edges)[0] / max(len(given), 1) for name, given in values.items()
    }
    binned = {name: (edges, share) for name, share in shares.items()}
    return steps(binned, unit=unit, size=size, label=label)


def steps(
    series: Mapping[str, tuple[Floats, Floats]],
    *,
    unit: str = "",
    size: tuple[int, int] = (360, 200),
    label: str = "",
) -> Markup:
    """Histograms that are counted already: edges (B + 1,) and shares (B,) of each series."""
    edges = np.concatenate([edges for edges, _ in series.values()])
    most = max(float(share.max()) for _, share in series.values()) or 1.0
    up = Axis(0.0, most, size[1] - AXIS_PX, TOP_PX)
    low, high = float(edges.min()), float(edges.max())
    across = Axis.over(low, high, gutter_px(up), size[0] - RIGHT_PX)
    drawn = []
    for number, (name, (own, share)) in enumerate(series.items()):
        xs = np.repeat([across.place(float(edge)) for edge in own], 2)[1:-1]
        ys = np.repeat([up.place(float(value)) for value in share], 2)
        floor = up.place(0.0)
        points = [(xs[0], floor), *zip(xs, ys, strict=True), (xs[-1], floor)]
        drawn.append(
            element("path", element("title", name), d=_path(points), class_=f"step series-{number}")
        )
    label = label or describe("histogram", unit, series)
    frame = draw_frame(across, up, (unit, "share"), is_bare=True)
    return chart(*size, label, frame, *drawn, draw_legend(list(series), size[0]))


def lines(
    series: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    axes: Axes = ("", ""),
    size: tuple[int, int] = (360, 240),
    mark_x: float | None = None,
    label: str = "",
    legend: bool = True,
) -> Markup:
    """A line of (x, y) a series, over points that are no NaN; `axes`: titles or scales of x and y.

    `mark_x`: an x between the ends that is marked by a line from bottom to top. Without `legend`
    the names of several series are seen when one is pointed at.
    """
    points = {name: _known_pairs(x, y) for name, (x, y) in series.items()}
    scales = _scales(axes)
    names = [draw_legend(list(series), size[0])] if legend else []
    across, up = plane(points, size, scales, is_headed=any(names))
    titles = (scales[0].title, scales[1].title)
    marks = []
    if mark_x is not None:
        place = across.place(mark_x)
        tip = element("title", f"{titles[0]} {show(mark_x)}".strip())
        marks = [element("g", tip, segment(place, up.start, place, up.end, "line series-1"))]
    drawn = [
        element(
            "path",
            element("title", name),
            d=_path(
                [(across.place(float(a)), up.place(float(b))) for a, b in zip(x, y, strict=True)]
            ),
            class_=f"line series-{number}",
        )
        for number, (name, (x, y)) in enumerate(points.items())
    ]
    frame = draw_frame(across, up, titles)
    label = label or describe("lines", _against(titles), series)
    return chart(*size, label, frame, *marks, *drawn, *names)


def scatter(
    x: ArrayLike,
    y: ArrayLike,
    names: Sequence[str],
    *,
    axes: Axes = ("", ""),
    size: tuple[int, int] = (360, 240),
    joined: Sequence[int] = (),
) -> Markup:
    """A dot a name; those without an x or a y are left out. `axes`: titles or scales of x and y.

    A line goes through the `joined`, which have their names beside them.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    known = np.isfinite(xs) & np.isfinite(ys)
    scales = _scales(axes)
    across, up = plane({"": (xs[known], ys[known])}, size, scales)
    dots = [
        element(
            "circle",
            element("title", f"{names[i]}: {show(float(xs[i]))}, {show(float(ys[i]))}"),
            cx=across.place(float(xs[i])),
            cy=up.place(float(ys[i])),
            r=3,
            class_="mark dot",
            data_search=names[i],
        )
        for i in np.flatnonzero(known).tolist()
    ]
    stops = [(across.place(float(xs[i])), up.place(float(ys[i]))) for i in joined]
    line = [element("path", d=_path(stops), class_="line series-0")] if stops else []
    words = [
        element(
            "text", short_name(names[i]), x=x, y=y - 8, class_="tick", text_anchor=_side(x, size)
        )
        for i, (x, y) in zip(joined, stops, strict=True)
    ]
    titles = (scales[0].title, scales[1].title)
    label = describe(
        "scatter plot", _against(titles), [names[i] for i in np.flatnonzero(known).tolist()]
    )
    return chart(*size, label, draw_frame(across, up, titles), *line, *dots, *words)


def _side(x: float, size: tuple[int, int]) -> str:
    """On which side of a point its name stands, so that it stays in the chart."""
    return "end" if x > size[0] / 2 else "start"


def _scales(axes: Axes) -> tuple[Scale, Scale]:
    x, y = (axis if isinstance(axis, Scale) else Scale(axis) for axis in axes)
    return x, y


def _against(titles: tuple[str, str]) -> str:
    return f"{titles[1]} against {titles[0]}" if all(titles) else ""


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _finite(values: ArrayLike) -> Floats:
    array = np.asarray(values, np.float64).reshape(-1)
    return array[np.isfinite(array)]


def _known_pairs(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    pairs = np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    return pairs[0], pairs[1]
