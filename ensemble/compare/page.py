"""The page of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from ensemble.compare.comparison import Comparison, Merger, mergers
from ensemble.compare.pictures import difference_pictures
from ensemble.progress import Progress, silent
from ensemble.report.blocks import Card, figure, gallery, heat_table, paragraph, table
from ensemble.report.charts import box_plot
from ensemble.report.page import Page, Section, write_page
from ensemble.report.picture_uri import picture_uri, share_of_page
from ensemble.report.tables import Table
from ensemble.runs.rle import Order
from ensemble.wording import counted

_MOST_PICTURES = 60
_MOST_ROWS = 400
_LEGEND = "Left the image, then the files in their order."


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
    sections = [_file_section(found), _class_section(found), _image_section(found)]
    if found.image_files is not None:
        sections.append(_difference_section(found, found.image_files, order, progress))
    facts = (
        (f"{len(found.names)}", "files"),
        (f"{len(found.image_names):,}", "images"),
        (f"{len(found.class_names)}", "classes"),
        (f"{np.nanmean(found.dice):.4f}", "Dice between files"),
        (f"{len(found.joined.missing):,}", "rows lacking"),
    )
    page = Page(
        title=" · ".join(found.names),
        lead="How alike prediction files are: Dice of one against the other, no labels needed.",
        facts=facts,
        sections=tuple(sections),
        kind="comparison",
    )
    return write_page(folder, page)


def _file_section(found: Comparison) -> Section:
    matrix, names = found.matrix, found.names
    rows = tuple((name, *line) for name, line in zip(names, matrix.tolist(), strict=True))
    content = Table("files", ("file", *names), rows, dict.fromkeys(names, ".4f"))
    blocks: list[Markup] = [
        heat_table(1 - matrix, names, names, caption="1 - mean Dice of two files.", how=".4f"),
        table(content, "Mean Dice over images and classes."),
    ]
    blocks += [paragraph(merger_text(merger, names)) for merger in mergers(matrix)]
    return Section("files", "Files", tuple(blocks), tables=(content,))


def merger_text(merger: Merger, names: Sequence[str]) -> str:
    """How two groups of files join, in a sentence."""
    first, second = (" + ".join(names[f] for f in group) for group in (merger.first, merger.second))
    return f"{first} and {second} join at a Dice of {merger.dice:.4f}."


def _class_section(found: Comparison) -> Section:
    order = np.argsort(found.of_classes)
    empty = (found.areas_px == 0) & ~np.isnan(found.least)[None]
    boxes = {found.class_names[c]: found.least[:, c] for c in order}
    rows = tuple(
        (
            found.class_names[c],
            float(found.of_classes[c]),
            float(np.nanmin(found.least[:, c])),
            *(int(n) for n in empty[:, :, c].sum(axis=1)),
        )
        for c in order
    )
    header = ("class", "Dice", "least", *(f"empty in {name}" for name in found.names))
    content = Table("classes", header, rows, {"Dice": ".4f", "least": ".4f"})
    caption = "Dice of the two files that differ most on an image."
    return Section(
        "classes",
        "Classes",
        (figure(box_plot(boxes), caption), table(content, "Classes, the least alike first.")),
        tables=(content,),
    )


def _image_section(found: Comparison) -> Section:
    order = np.argsort(found.of_images)
    rows = []
    for n in order:
        known = np.where(np.isnan(found.least[n]), np.inf, found.least[n])
        worst = int(known.argmin())
        rows.append(
            (
                found.image_names[n],
                float(found.of_images[n]),
                found.class_names[worst],
                float(known[worst]),
            )
        )
    header = ("image", "Dice", "class that differs most", "its Dice")
    content = Table("images", header, tuple(rows), {"Dice": ".4f", "its Dice": ".4f"})
    caption = "Images, the least alike first: those on which to look before trusting any file."
    return Section(
        "images", "Images", (table(content, caption, most_rows=_MOST_ROWS),), tables=(content,)
    )


def _difference_section(
    found: Comparison, image_files: Mapping[str, Path], order: Order, progress: Progress
) -> Section:
    places = found.most_different(_MOST_PICTURES)
    strips = difference_pictures(found, places, image_files, order=order, progress=progress)
    most_bytes = share_of_page(max(len(strips), 1))
    cards = [
        Card(
            picture_uri(strip, most_bytes=most_bytes),
            f"{found.image_names[n]}, {found.class_names[c]}",
            f"masks of {found.class_names[c]} on {found.image_names[n]} by each file",
            (f"least Dice {found.least[n, c]:.4f}", _areas(found, n, c)),
        )
        for strip, (n, c) in zip(strips, places, strict=True)
    ]
    caption = f"{counted(len(cards), 'mask')} that differ most. {_LEGEND}"
    shown = gallery(cards, caption, size="large") if cards else paragraph("All masks are the same.")
    return Section("differences", "Differences", (shown,))


def _areas(found: Comparison, n: int, c: int) -> str:
    areas = zip(found.names, found.areas_px[:, n, c].tolist(), strict=True)
    return ", ".join(f"{name} {area_px:,} px" for name, area_px in areas)
