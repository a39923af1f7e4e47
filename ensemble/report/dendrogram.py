"""How things group: a tree that joins the most alike first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ensemble.report.frames import (
    AXIS_PX,
    RIGHT_PX,
    ROW_PX,
    WIDTH,
    draw_grid,
    label_px,
    row_name,
    segment,
)
from ensemble.report.svg import Axis, chart, element
from ensemble.report.tables import show

_LONGEST_NAME = 40
_ROOM = 1.05  # of the axis beyond the last join


@dataclass(frozen=True, slots=True)
class Join:
    """Two groups of leaves, by their numbers, that become one at a height from 0 on."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    height: float


@dataclass(frozen=True, slots=True)
class _Node:
    """Where a group is in the drawing: its height and the middle of its rows."""

    height: float
    middle: float


def dendrogram(
    names: Sequence[str], joins: Sequence[Join], *, axis: str = "", label: str = ""
) -> Markup:
    """A row a leaf, the root at the right; `axis` are the words for heights.

    `joins`: in their order, each of two groups that are leaves or were joined before, the last one
    of all.
    """
    order = [*joins[-1].first, *joins[-1].second] if joins else list(range(len(names)))
    most = max((join.height for join in joins), default=0.0)
    start = label_px(names, longest=_LONGEST_NAME)
    across = Axis(0.0, most * _ROOM or 1.0, start, WIDTH - RIGHT_PX)
    nodes: dict[tuple[int, ...], _Node] = {
        (leaf,): _Node(0.0, (row + 0.5) * ROW_PX) for row, leaf in enumerate(order)
    }
    drawn = []
    for join in joins:
        children = nodes[join.first], nodes[join.second]
        nodes[join.first + join.second] = _Node(
            join.height, (children[0].middle + children[1].middle) / 2
        )
        drawn.append(_branches(_words(join, names), join.height, children, across))
    leaves = [_leaf(names[leaf], nodes[leaf,].middle, start) for leaf in order]
    bottom = len(names) * ROW_PX
    frame = draw_grid(across, bottom, axis)
    return chart(WIDTH, bottom + AXIS_PX, label or "dendrogram", frame, *drawn, *leaves)


def _branches(words: str, height: float, children: tuple[_Node, _Node], across: Axis) -> Markup:
    """Both arms of a join, and the line between them."""
    x, kind = across.place(height), "line series-0"
    arms = [segment(across.place(c.height), c.middle, x, c.middle, kind) for c in children]
    between = segment(x, children[0].middle, x, children[1].middle, kind)
    return element("g", element("title", words), *arms, between, class_="mark", data_search=words)


def _words(join: Join, names: Sequence[str]) -> str:
    first, second = (" + ".join(names[i] for i in group) for group in (join.first, join.second))
    return f"{first} and {second}: {show(join.height)}"


def _leaf(name: str, middle: float, end: float) -> Markup:
    text = row_name(name, end, middle, longest=_LONGEST_NAME)
    return element("g", element("title", name), text, class_="mark", data_search=name)
