"""What stands in a section of a page: text, figures, tables, pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from ensemble.report.pictures import class_colours
from ensemble.report.tables import Table
from ensemble.report.templates import render_block

Weight = Literal["wrong", "look", "fact"]

# A cell of more heat than this is so dark, or in the dark so light, that its text changes sides.
_FULL = 0.65


@dataclass(frozen=True, slots=True)
class Card:
    """A picture with its title and lines of text; `terms` are further words to find it by.

    `uri` is a data URI; `alt` says what is to be seen.
    """

    uri: str
    title: str
    alt: str
    lines: tuple[str, ...] = ()
    terms: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, how much it weighs, and the slug of the section that shows it."""

    weight: Weight
    text: str
    slug: str


def paragraph(text: str) -> Markup:
    """Text on its own."""
    return render_block("paragraph", text=text)


def figure(drawing: Markup, caption: str, *, terms: str = "") -> Markup:
    """A chart with its caption; with `terms` it is found, or hidden, as a whole."""
    return render_block("figure", drawing=drawing, caption=caption, terms=terms)


def side_by_side(*blocks: Markup) -> Markup:
    """Blocks in columns where there is room."""
    return render_block("side_by_side", blocks=blocks)


def small_multiples(*figures: Markup, caption: str = "") -> Markup:
    """Small figures of one kind, as many beside each other as there is room for.

    The caption tells once what the axes of all are.
    """
    return render_block("small_multiples", figures=figures, caption=caption)


def remarks(found: Sequence[Remark]) -> Markup:
    """A list of remarks, each a link to its section."""
    return render_block("remarks", remarks=found)


def table(content: Table, caption: str, *, most_rows: int | None = None) -> Markup:
    """A table that sorts by its columns; what is more than `most_rows` stands in its file."""
    is_number = content.is_numeric()
    rows = [
        _Row(
            terms=" ".join(
                str(c) for c, number in zip(cells, is_number, strict=True) if not number
            ),
            cells=[(text, _sort_key(cell)) for text, cell in zip(shown, cells, strict=True)],
        )
        for shown, cells in zip(content.shown_rows(), content.rows, strict=True)
    ][:most_rows]
    return render_block(
        "table",
        header=list(zip(content.header, is_number, strict=True)),
        rows=rows,
        caption=caption,
        file_name=content.file_name,
        hidden=len(content.rows) - len(rows),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row is found by, and its cells with what they sort by."""

    terms: str
    cells: list[tuple[str, str]]


def _sort_key(cell: str | int | float) -> str:
    return cell if isinstance(cell, str) else repr(cell)


def gallery(
    cards: Sequence[Card],
    caption: str = "",
    *,
    size: Literal["small", "medium", "large"] = "medium",
) -> Markup:
    """Cards side by side; a picture opens by click or Enter and closes by Escape.

    Small ones lie in a frame that scrolls; large ones hold two images or more in one picture.
    """
    return render_block("gallery", cards=cards, caption=caption, size=size)


def case(
    title: str, line: str, cards: Sequence[Card], *, terms: str = "", is_dense: bool = False
) -> Markup:
    """Pictures of one thing under a title; they are found together.

    They are large, or, if dense, so small that six stand side by side.
    """
    return render_block("case", title=title, line=line, cards=cards, terms=terms, is_dense=is_dense)


def legend(entries: Sequence[tuple[tuple[int, int, int], str]]) -> Markup:
    """What colours (RGB) of pictures mean."""
    shown = [(f"rgb({red} {green} {blue})", text) for (red, green, blue), text in entries]
    return render_block("legend", entries=shown)


def class_legend(names: Sequence[str]) -> Markup:
    """The colours that `overlay_masks` gives to classes."""
    colours = class_colours(len(names)).tolist()
    return legend([((r, g, b), name) for (r, g, b), name in zip(colours, names, strict=True)])


def heat_table(
    values: ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    caption: str,
    how: str = ".2f",
    least_shown: float = 0.0,
) -> Markup:
    """Numbers (R, C) as coloured cells; those smaller than `least_shown` are told by hovering only.

    The largest has the full colour; what is below 0 has another one. NaN is an empty cell.
    """
    numbers = np.asarray(values, np.float64)
    most = float(np.nanmax(np.abs(numbers), initial=0.0)) or 1.0
    cells = [
        [_heat_cell(value, most, how, least_shown) for value in row] for row in numbers.tolist()
    ]
    return render_block(
        "heat_table",
        columns=columns,
        rows=[list(zip(columns, row, strict=True)) for row in cells],
        names=rows,
        caption=caption,
    )


@dataclass(frozen=True, slots=True)
class _HeatCell:
    text: str
    exact: str
    heat: str
    kind: str


def _heat_cell(value: float, most: float, how: str, least_shown: float) -> _HeatCell:
    if np.isnan(value):
        return _HeatCell("", "", "0", "")
    share = abs(value) / most
    exact = format(value, how)
    kinds = [word for word, holds in (("cold", value < 0), ("full", share > _FULL)) if holds]
    shown = exact if abs(value) >= least_shown and value else ""
    return _HeatCell(shown, exact, f"{100 * share:.0f}%", " ".join(kinds))
