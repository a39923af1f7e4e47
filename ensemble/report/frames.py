"""What stands around the marks of a chart: axes, grid lines, names, legend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ensemble.report.svg import Axis, Scale, element, tick_text

WIDTH = 760
RIGHT_PX, TOP_PX, AXIS_PX = 18, 22, 34
_BARE_TOP_PX, _BARE_AXIS_PX = 8, 20  # without a title
_LETTER_PX, _DIGIT_PX = 7.2, 6.6  # the widest that a letter of a name, a digit of a tick may be
ROW_PX = 22
LONGEST_NAME = 22

Floats = NDArray[np.float64]


def plane(
    points: Mapping[str, tuple[Floats, Floats]],
    size: tuple[int, int],
    scales: tuple[Scale, Scale],
    *,
    is_headed: bool = False,
) -> tuple[Axis, Axis]:
    """The axes of points; room for titles, and for a legend if `is_headed`, where there are any."""
    xs, ys = (np.concatenate([pair[side] for pair in points.values()]) for side in (0, 1))
    if not len(xs):
        xs = ys = np.array([0.0, 1.0])
    bottom = size[1] - (AXIS_PX if scales[0].title else _BARE_AXIS_PX)
    top = TOP_PX if scales[1].title or is_headed else _BARE_TOP_PX
    up = Axis.over(float(ys.min()), float(ys.max()), bottom, top, scale=scales[1])
    run = (float(xs.min()), float(xs.max()), gutter_px(up), size[0] - RIGHT_PX)
    return Axis.over(*run, scale=scales[0]), up


def gutter_px(up: Axis) -> float:
    """The width of the column of numbers before an axis."""
    return 12 + _DIGIT_PX * max((len(tick_text(tick)) for tick in up.ticks()), default=0)


def draw_frame(across: Axis, up: Axis, titles: tuple[str, str], *, is_bare: bool = False) -> Markup:
    """Both axes with their titles, numbers and lines."""
    rungs = [
        element(
            "g",
            segment(across.start, up.place(tick), across.end, up.place(tick), "grid"),
            element(
                "text",
                tick_text(tick),
                x=across.start - 6,
                y=up.place(tick) + 4,
                class_="tick",
                text_anchor="end",
            ),
        )
        for tick in up.ticks()
    ]
    title = element("text", titles[1], x=4, y=12, class_="tick")
    return element(
        "g", *rungs, draw_grid(across, up.start, titles[0], top=up.end, is_bare=is_bare), title
    )


def draw_grid(
    axis: Axis, bottom: float, unit: str, *, top: float = 0.0, is_bare: bool = False
) -> Markup:
    """Ticks below `bottom` with as many numbers as fit, and lines above them unless bare."""
    parts = [segment(axis.start, bottom, axis.end, bottom, "base")]
    ticks = axis.ticks()
    wide_px = _DIGIT_PX * max((len(tick_text(tick)) + 1 for tick in ticks), default=0)
    while len(ticks) > 2 and wide_px > abs(axis.place(ticks[1]) - axis.place(ticks[0])):
        ticks = ticks[::2]
    for tick in ticks:
        x = axis.place(tick)
        if not is_bare:
            parts.append(segment(x, top, x, bottom, "grid"))
        text = tick_text(tick)
        parts.append(element("text", text, x=x, y=bottom + 14, class_="tick", text_anchor="middle"))
    name = element("text", unit, x=axis.end, y=bottom + 28, class_="tick", text_anchor="end")
    return element("g", *parts, name)


def draw_legend(names: Sequence[str], width: int) -> Markup:
    """Names of several series at the top right."""
    if len(names) < 2:
        return Markup("")
    room = min(140, (width - 20) // len(names))
    start = width - 12 - room * len(names)
    entries = [
        element(
            "g",
            element("rect", x=start + i * room, y=4, width=10, height=10, class_=f"key series-{i}"),
            element("text", short_name(name), x=start + i * room + 15, y=13, class_="tick"),
        )
        for i, name in enumerate(names)
    ]
    return element("g", *entries)


def label_px(names: Iterable[str], *, longest: int = LONGEST_NAME) -> float:
    """The width of the column of names before the rows of a chart."""
    lengths = [len(short_name(name, longest=longest)) for name in names]
    return 14 + _LETTER_PX * max(lengths, default=0)


def row_name(name: str, end: float, middle: float, *, longest: int = LONGEST_NAME) -> Markup:
    """The name of a row, which ends before `end` at the height `middle`."""
    text = short_name(name, longest=longest)
    return element("text", text, x=end - 8, y=middle + 4, class_="name", text_anchor="end")


def segment(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A straight line of a class."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def short_name(name: str, *, longest: int = LONGEST_NAME) -> str:
    """A name of at most so many letters."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
