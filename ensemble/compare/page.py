"""The page of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ensemble.compare.comparison import Comparison
from ensemble.compare.notes import take_notes
from ensemble.compare.sections.differences import difference_section
from ensemble.compare.sections.files import cluster_section, file_section
from ensemble.compare.sections.masks import class_section, image_section
from ensemble.progress import Progress, silent
from ensemble.report.blocks import remarks
from ensemble.report.page import Page, Section, write_page
from ensemble.runs.rle import Order

_MOST_NAMES = 3  # in the title


def write_comparison(
    folder: Path,
    found: Comparison,
    *,
    order: Order = "row",
    progress: Progress = silent,
) -> Path:
    """Write index.html and the tables into a folder; the path of the page.

    Where images were given it shows the masks that differ most.
    """
    sections = [
        Section("notes", "What stands out", (remarks(take_notes(found)),)),
        file_section(found),
        cluster_section(found),
        class_section(found),
        image_section(found),
    ]
    if found.image_files is not None:
        sections.append(difference_section(found, found.image_files, order, progress))
    return write_page(folder, _page(found, sections))


def _page(found: Comparison, sections: Sequence[Section]) -> Page:
    names = found.names
    facts = [
        (f"{np.nanmean(found.dice):.4f}", "mean Dice of two files"),
        (f"{len(names)}", "files"),
        (f"{len(found.image_names):,}", "images"),
        (f"{len(found.class_names):,}", "classes"),
    ]
    if missing := found.joined.missing:
        facts.append((f"{len(missing):,}", "rows missing"))
    return Page(
        title=" · ".join(names) if len(names) <= _MOST_NAMES else f"{len(names)} prediction files",
        lead="How alike prediction files are: Dice of one against the other, no labels needed.",
        facts=tuple(facts),
        sections=tuple(sections),
        kind="comparison",
    )
