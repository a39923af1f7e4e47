"""What the labels hold: areas, positions and overlaps of classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.explore.exploration import Exploration, LabelFindings
from ensemble.explore.facing import turn
from ensemble.explore.notes import share_of_several, turned_text
from ensemble.explore.sections.pictures import cover_picture
from ensemble.explore.shapes import Shapes
from ensemble.explore.tables import class_table, mask_table, overlap_table
from ensemble.report.blocks import Card, figure, gallery, heat_table, paragraph, table
from ensemble.report.charts import box_plot
from ensemble.report.page import Section
from ensemble.report.picture_uri import picture_uri
from ensemble.wording import counted

# More classes than this are shown in an overlap matrix only if they overlap most.
MOST_IN_MATRIX = 40
_LEAST_WRITTEN = 0.005

Floats = NDArray[np.float64]


def area_section(found: Exploration, labels: LabelFindings) -> Section:
    """A box of areas a class, the smallest class first."""
    shapes, names = labels.shapes, labels.counts.classes.names
    areas = {
        name: shapes.area_px[shapes.is_present[:, c], c].astype(np.float64)
        for c, name in enumerate(names)
    }
    order = sorted(names, key=lambda n: float(np.median(areas[n])) if len(areas[n]) else 0.0)
    classes, masks = class_table(found, labels), mask_table(found, labels)
    return Section(
        "areas",
        "Areas",
        (
            figure(
                box_plot({name: areas[name] for name in order}, unit="px", is_log=True),
                "Pixels of each class in the images that hold it, on a logarithmic scale. Boxes: "
                "quartiles and median; whiskers: up to 1.5 times the box; circles: beyond.",
            ),
            table(classes, "Areas of every class; every mask is in masks.csv."),
        ),
        (classes, masks),
    )


def position_section(found: Exploration, labels: LabelFindings) -> Section:
    """Where each class lies, over the mean image."""
    shapes, counts = labels.shapes, labels.counts
    covers = counts.mean_cover(labels.is_mirrored)
    turned = turn(shapes, labels.is_mirrored)
    ground = _mean_image(found.survey.looks.thumbnail, labels.is_mirrored)
    cards = []
    for c, name in enumerate(counts.classes.names):
        present = int(shapes.is_present[:, c].sum())
        peak = float(covers[c].max())
        spread = ""
        if present:
            spread = _centre_spread(turned, c)
        cards.append(
            Card(
                picture_uri(cover_picture(covers[c], ground), most_bytes=9000),
                name,
                f"mean mask of {name}",
                (f"in {present} of {counted(len(shapes.area_px), 'image')}",
                 f"up to {100 * peak:.0f} % agree", spread),
            )
        )  # fmt: skip
    text = (
        "Mean masks over the mean image, all images stretched to one square: the colour is full "
        "where most images agree, and the share of images that agree there is stated. Centres: "
        "their standard deviation in percent of height and width."
    )
    if labels.is_mirrored.any():
        text += f" {turned_text(labels)}"
    return Section("positions", "Positions", (paragraph(text), gallery(cards)))


def _mean_image(thumbnails: NDArray[np.uint16], is_mirrored: NDArray[np.bool_]) -> Floats:
    """(64, 64): the mean of thumbnails (N, 64, 64), some of them mirrored."""
    total = thumbnails[~is_mirrored].sum(axis=0, dtype=np.float64)
    total += thumbnails[is_mirrored].sum(axis=0, dtype=np.float64)[:, ::-1]
    return np.asarray(total / len(thumbnails))


def _centre_spread(shapes: Shapes, c: int) -> str:
    """The standard deviation of the centre, in percent of height and width."""
    centres = np.stack([shapes.centre_y[:, c], shapes.centre_x[:, c]])
    down, across = 100 * np.nanstd(centres, axis=1)
    return f"centre ± {down:.0f} % down, ± {across:.0f} % across"


def overlap_section(found: Exploration, labels: LabelFindings) -> Section | None:
    """The matrix of shared pixels and its worst pairs; None for exclusive classes, or one."""
    if labels.counts.classes.exclusive or len(labels.counts.classes) == 1:
        return None
    names, overlaps = labels.counts.classes.names, labels.counts.overlaps
    share = overlaps.share_of_smaller.copy()
    np.fill_diagonal(share, np.nan)
    kept = _most_overlapping(np.nan_to_num(share))
    chosen = [names[c] for c in kept]
    content = overlap_table(found, labels)
    text = (
        f"{share_of_several(found, labels.counts)} two classes or more. Of each pair: shared "
        "pixels over the area of the smaller of the two."
    )
    return Section(
        "overlaps",
        "Overlaps",
        (
            paragraph(text),
            heat_table(
                100 * share[np.ix_(kept, kept)],
                chosen,
                chosen,
                caption="Percent of the smaller class that is shared, over all images.",
                how=".0f",
                least_shown=100 * _LEAST_WRITTEN,
            ),
            table(content, "Pairs that share pixels, the worst first.", most_rows=200),
        ),
        (content,),
    )


def _most_overlapping(share: Floats) -> list[int]:
    """Classes in their order; of too many those that share most with another."""
    strongest = share.max(axis=1)
    return sorted(np.argsort(-strongest, kind="stable")[:MOST_IN_MATRIX].tolist())
