"""SVG as markup: elements with escaped text, and axes with round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

_LEAST_SIZE = 0.78  # text of a smaller drawing is hard to read; on a phone it scrolls instead

# Axes shorter than this share of their values would show rounding, and such short ones nothing.
_LEAST_SHARE, _LEAST = 1e-3, 1e-300
_LISTED = 6

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
        class_="chart",
        viewBox=f"0 0 {width} {height}",
        style=f"max-width: {width}px; --least: {_LEAST_SIZE * width:.0f}px",
        role="img",
        aria_label=label,
    )


def describe(kind: str, of_what: str, names: Iterable[str]) -> str:
    """What a chart is and of what it is, for those who cannot see it: six names, then a count."""
    known = [name for name in names if name]
    rest = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    listed = f": {', '.join(known[:_LISTED])}{rest}" if known else ""
    return f"{kind} of {of_what}{listed}" if of_what else f"{kind}{listed}"


def _number(value: Attribute) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Scale:
    """The title of an axis, and what it shows whatever its values are.

    `holds`: (0.0,) makes it start at 0; the ends of all values give several charts one scale. Its
    room never goes beyond `limits`. It is `least_span` long or longer.
    """

    title: str = ""
    holds: tuple[float, ...] = ()
    limits: tuple[float, float] = (-math.inf, math.inf)
    least_span: float = 0.0


_ANY = Scale()
# Of scores: never beyond 0 and 1, and differences of a thousandth are no drama.
DICE = Scale("Dice", limits=(0.0, 1.0), least_span=0.01)


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
        cls,
        low: float,
        high: float,
        start: float,
        end: float,
        *,
        is_log: bool = False,
        scale: Scale = _ANY,
    ) -> Axis:
        """An axis that holds low..high with a little room, as far as the scale allows it.

        The room does not cross 0 if no value does. The axis is as long as a thousandth of its
        values or longer, so that noise does not look like a difference; one value alone stands in
        the middle between 0 and its double. By logarithm the scale is not looked at.
        """
        if is_log:
            return cls(low / 1.15, high * 1.15, start, end, is_log=True)
        low, high = min(low, *scale.holds, low), max(high, *scale.holds, high)
        if max(abs(low), abs(high)) < _LEAST:  # denormal numbers have no logarithm of their span
            low = high = 0.0
        floor = max(scale.limits[0], 0.0 if low >= 0 else -math.inf)
        ceiling = min(scale.limits[1], 0.0 if high <= 0 > low else math.inf)
        if high - low < _LEAST:
            wide = (min(0.0, 2 * low), max(0.0, 2 * high)) if high or low else (0.0, 1.0)
        else:
            least = max(scale.least_span, _LEAST_SHARE * max(abs(low), abs(high)))
            wide = _widened(low, high, least, (floor, ceiling))
        return cls(min(low, max(wide[0], floor)), max(high, min(wide[1], ceiling)), start, end)

    def place(self, value: float) -> float:
        """Where a value lies."""
        low, high, at = self.low, self.high, value
        if self.is_log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round values inside: about five, or 1, 2 and 5 of every decade if two of them are."""
        if not self.is_log:
            return _round_values(self.low, self.high)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = (1, 2, 5) if last - first <= 3 else (1,)
        decades = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        inside = [value for value in decades if self.low <= value <= self.high]
        return inside if len(inside) > 1 else _round_values(self.low, self.high)


def _widened(
    low: float, high: float, least: float, limits: tuple[float, float]
) -> tuple[float, float]:
    """The ends `least` or more apart, pushed into the limits, and a little room beyond them."""
    short = max(least - (high - low), 0.0) / 2
    low, high = low - short, high + short
    push = max(limits[0] - low, 0.0) - max(high - limits[1], 0.0) if short else 0.0
    room = 0.03 * (high - low)
    return low + push - room, high + push + room


def _round_values(low: float, high: float) -> list[float]:
    """Three to eight multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    most = {1: 1.4, 2: 3.0, 5: 7.0, 10: math.inf}
    step = next(factor * power for factor in most if rough <= most[factor] * power)
    count = math.floor(high / step) - math.ceil(low / step) + 1
    digits = 2 - math.floor(math.log10(step))
    return [round((math.ceil(low / step) + i) * step, digits) for i in range(count)]


def tick_text(value: float) -> str:
    """A round number, short: 20k, 3M, 0.5, -3."""
    for letter, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= max(size, 10_000):
            return f"{value / size:g}{letter}"
    return f"{value:g}"
