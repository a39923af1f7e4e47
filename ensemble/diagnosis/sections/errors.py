"""Which pixels are wrong: their verdicts, and which class was taken for which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.diagnosis.diagnosis import Diagnosis
from ensemble.diagnosis.pictures import Colours
from ensemble.diagnosis.tables import NO_CLASS, confusion_table, overlap_table, verdict_shares
from ensemble.report.blocks import heat_table, legend, paragraph, table
from ensemble.report.page import Section
from ensemble.report.pictures import Verdict

Floats = NDArray[np.float64]

_MOST_ROWS = 200
_MOST_IN_MATRIX = 40
_MEANINGS: dict[Verdict, str] = {
    "right": "right",
    "missed": "missed: a class is not predicted",
    "extra": "extra: a class is predicted that is not there",
    "other": "another class is predicted",
}


def verdict_section(found: Diagnosis, colours: Colours) -> Section:
    """Shares of pixels by verdict, of all and of overlaps, with the colours of error maps."""
    everywhere, overlaps = verdict_shares(found.verdicts.sum(axis=0))
    blocks = [
        paragraph(
            "Of the pixels that have a class in truth or prediction, all their classes together. "
            "Error maps have these colours."
        ),
        legend(_entries(everywhere, colours)),
    ]
    if np.isfinite(overlaps).all():
        blocks += [
            paragraph("Of those that have two classes or more in truth or prediction:"),
            legend(_entries(overlaps, colours)),
        ]
    return Section("errors", "Errors", tuple(blocks))


def colour_legend(colours: Colours) -> list[tuple[tuple[int, int, int], str]]:
    """What the colours of error maps mean."""
    return [(colours[verdict], text) for verdict, text in _MEANINGS.items()]


def _entries(shares: Floats, colours: Colours) -> list[tuple[tuple[int, int, int], str]]:
    return [
        (colour, f"{100 * share:.2f} % {text}")
        for share, (colour, text) in zip(shares.tolist(), colour_legend(colours), strict=True)
    ]


def confusion_section(found: Diagnosis) -> Section:
    """Which class is missed where which is extra."""
    names = found.scores.class_names
    last = len(names)
    between = found.confusion[:last, :last].astype(np.float64)
    np.fill_diagonal(between, np.nan)
    true_px = found.counts[..., 2].sum(axis=0)[:, None]
    rates = np.where(true_px > 0, 100 * between / np.maximum(true_px, 1), np.nan)
    kept = _most_confused(rates)
    chosen = [names[c] for c in kept]
    content = confusion_table(found)
    text = (
        "Pixels where one class is missed and another is extra. The table also counts those where "
        f"nothing else is extra, or nothing else is missed: {NO_CLASS}."
    )
    caption = (
        "Percent of all true pixels of the class of the row that are predicted as the class of "
        "the column instead."
    )
    return Section(
        "confusion",
        "Confusion",
        (
            paragraph(text),
            heat_table(
                rates[np.ix_(kept, kept)],
                chosen,
                chosen,
                caption=caption,
                how=".1f",
                least_shown=0.05,
            ),
            table(content, "Pairs with the most pixels.", most_rows=_MOST_ROWS),
        ),
        (content,),
    )


def _most_confused(rates: Floats) -> list[int]:
    """Classes in their order; of too many those that are taken for another most."""
    between = np.nan_to_num(rates)
    strongest = np.maximum(between.max(axis=0), between.max(axis=1))
    return sorted(np.argsort(-strongest, kind="stable")[:_MOST_IN_MATRIX].tolist())


def overlap_section(found: Diagnosis) -> Section | None:
    """How well the pixels that two classes share are met; None for exclusive classes."""
    if found.data.labelled.classes.exclusive:
        return None
    content = overlap_table(found)
    text = "Two classes that share pixels, in truth or prediction, over all images."
    return Section(
        "overlaps",
        "Overlaps",
        (paragraph(text), table(content, "The largest true overlap first.", most_rows=_MOST_ROWS)),
        (content,),
    )
