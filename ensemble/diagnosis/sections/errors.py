"""Which pixels are wrong: their verdicts, and which class was taken for which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.diagnosis.diagnosis import Diagnosis
from ensemble.diagnosis.pictures import Colours
from ensemble.diagnosis.tables import NO_CLASS, confusion_table, overlap_table, verdict_shares
from ensemble.pictures import Verdict
from ensemble.report.blocks import heat_table, legend, paragraph, table
from ensemble.report.page import Section

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
    names = (*found.scores.class_names, NO_CLASS)
    wrong = found.confusion.astype(np.float64)
    true_px = np.append(found.counts[..., 2].sum(axis=0), 0)
    np.fill_diagonal(wrong, np.nan)
    rates = np.where(true_px[:, None] > 0, 100 * wrong / np.maximum(true_px, 1)[:, None], np.nan)
    kept = _most_confused(rates)
    content = confusion_table(found)
    text = (
        "Pixels where the class of the row is missed and that of the column is extra, in percent "
        f"of all true pixels of the row's class. {NO_CLASS}: nothing is extra there."
    )
    chosen = [names[c] for c in kept]
    columns = [*kept, len(names) - 1]
    return Section(
        "confusion",
        "Confusion",
        (
            paragraph(text),
            heat_table(
                rates[np.ix_(kept, columns)],
                chosen,
                [*chosen, NO_CLASS],
                caption="True classes in rows, predicted ones in columns.",
                how=".1f",
                least_shown=0.05,
            ),
            table(content, "Pairs with the most pixels.", most_rows=_MOST_ROWS),
        ),
        (content,),
    )


def _most_confused(rates: Floats) -> list[int]:
    """Classes in their order; of too many those that are taken for another most."""
    between = np.nan_to_num(rates[:-1, :-1])
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
