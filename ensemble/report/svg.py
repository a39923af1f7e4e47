"""SVG as markup: elements with escaped text, axes with round numbers, and names of rows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

# Charts with a row a name: their width, the room at their right and for their axis, a row's height.
WIDTH = 760
RIGHT_PX, AXIS_PX, ROW_PX = 16, 34, 22
LONGEST_NAME = 22
_LETTER_PX = 7.2
_NARROW_PX = 480  # what is wider scrolls on a phone, so that its text stays readable

Attribute = str | int | float


def element(name: str, *children: str | Markup, **attributes: Attribute) -> Markup:
    """An element; text is escaped, `class_` and `font_size` become class and font-size."""
    opened = Markup("").join(
        Markup(' {}="{}"').format(key.strip("_").replace("_", "-"), _number(value))
        for key, value in attributes.items()
    )
    inner = Markup("").join(children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), opened, inner)


def chart(width: int, height: int, label: str, *children: Markup) -> Markup:
    """A drawing that scales with its column, named for those who cannot see it."""
    return element(
        "svg",
        element("title", label),
        *children,
        class_="chart wide" if width > _NARROW_PX else "chart",
        viewBox=f"0 0 {width} {height}",
        style=f"max-width: {width}px",
        role="img",
        aria_label=label,
    )


def _number(value: Attribute) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Axis:
    """Values low..high laid out from `start` to `end`, by their logarithm if `is_log`."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    @classmethod
    def over(
        cls, low: float, high: float, start: float, end: float, *, is_log: bool = False
    ) -> Axis:
        """An axis that holds low..high with a little room; one value alone stands in the middle."""
        if is_log:
            return cls(low / 1.15, high * 1.15, start, end, is_log=True)
        room = (high - low) * 0.03 or max(abs(high), 1.0) * 0.5
        return cls(low - room, high + room, start, end)

    def place(self, value: float) -> float:
        """Where a value lies."""
        low, high, at = self.low, self.high, value
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values inside: about five, or 1, 2 and 5 of every decade."""
        if not self.is_log:
            return _round_values(self.low, self.high)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = (1, 2, 5) if last - first <= 3 else (1,)
        decades = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        return [value for value in decades if self.low <= value <= self.high]


def _round_values(low: float, high: float) -> list[float]:
    """Three to eight multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    most = {1: 1.4, 2: 3.0, 5: 7.0, 10: math.inf}
    step = next(factor * power for factor in most if rough <= most[factor] * power)
    count = math.floor(high / step) - math.ceil(low / step) + 1
    return [round((math.ceil(low / step) + i) * step, 12) for i in range(count)]


def tick_text(value: float) -> str:
    """A round number, short: 20k, 0.5, -3."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:g}"


def grid(axis: Axis, bottom: float, unit: str, *, is_bare: bool = False) -> Markup:
    """Ticks below `bottom` with their numbers, and lines above them unless bare."""
    parts = [segment(axis.start, bottom, axis.end, bottom, "base")]
    for tick in axis.ticks():
        x = axis.place(tick)
        if not is_bare:
            parts.append(segment(x, 0.0, x, bottom, "grid"))
        text = tick_text(tick)
        parts.append(element("text", text, x=x, y=bottom + 14, class_="tick", text_anchor="middle"))
    name = element("text", unit, x=axis.end, y=bottom + 28, class_="tick", text_anchor="end")
    return element("g", *parts, name)


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
