"""What the images are: sizes, grey levels, and how they look."""

from __future__ import annotations

from collections import Counter

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ensemble.explore.exploration import Exploration
from ensemble.explore.looks import HISTOGRAM_BINS, Looks
from ensemble.explore.outliers import OUTLIER_Z, modified_z
from ensemble.explore.sections.pictures import thumbnail_cards
from ensemble.explore.tables import image_table
from ensemble.report.blocks import figure, gallery, paragraph, side_by_side, table
from ensemble.report.charts import histogram, steps
from ensemble.report.page import Section

# More images than this are not shown one by one, but those that differ most.
MOST_SHOWN = 400
_LEAST_SPREAD = 0.01  # of a level: what is less is no difference

Floats = NDArray[np.float64]


def image_section(found: Exploration) -> Section:
    """Sizes, levels and all images."""
    looks, samples = found.survey.looks, found.survey.samples
    content = image_table(found)
    z = level_z_scores(looks)
    order = np.argsort(-np.abs(z), kind="stable")[:MOST_SHOWN]
    shown = np.sort(order) if len(samples) <= MOST_SHOWN else order
    cards = thumbnail_cards(
        looks.thumbnail[shown],
        looks.size[shown],
        [samples[i].name for i in shown],
        [_card_lines(looks, z, int(i)) for i in shown],
    )
    rest = "" if len(shown) == len(samples) else f", the {len(shown)} most unlike the others"
    return Section(
        "images",
        "Images",
        (
            paragraph(_sizes(looks)),
            side_by_side(
                figure(_level_curve(looks), "Grey levels: mean share of pixels, all images."),
                figure(
                    histogram({"brightness": looks.mean}, unit="mean level"),
                    "Brightness: mean level of each image, 0 black to 1 white.",
                ),
                figure(
                    histogram({"contrast": looks.std}, unit="standard deviation of levels"),
                    "Contrast of each image.",
                ),
            ),
            gallery(cards, f"The images{rest}, levels spread from dark to bright.", size="small"),
            table(content, "Sizes and levels of every image.", most_rows=MOST_SHOWN),
        ),
        (content,),
    )


def level_z_scores(looks: Looks) -> Floats:
    """(N,): the modified z-score of brightness or of contrast that is further from 0."""
    scores = np.stack([modified_z(v, least=_LEAST_SPREAD) for v in (looks.mean, looks.std)])
    furthest = np.abs(scores).argmax(axis=0)
    return np.asarray(scores[furthest, np.arange(len(looks))])


def _card_lines(looks: Looks, z: Floats, image: int) -> tuple[str, ...]:
    height, width = looks.size[image].tolist()
    lines = [f"{width} x {height}, mean {looks.mean[image]:.2f}"]
    return (*lines, f"levels: z {z[image]:+.1f}") if abs(z[image]) > OUTLIER_Z else tuple(lines)


def _sizes(looks: Looks) -> str:
    sizes = Counter((width, height) for height, width in looks.size.tolist())
    listed = ", ".join(f"{w} x {h} ({n} of {len(looks)})" for (w, h), n in sizes.most_common(5))
    more = f" and {len(sizes) - 5} other sizes" if len(sizes) > 5 else ""
    bits = " and ".join(f"{bit} bit" for bit in sorted(set(looks.depth_bits.tolist())))
    coloured = int(looks.is_colour.sum())
    colours = f"{coloured} with colours" if coloured else "grey"
    return f"Width x height: {listed}{more}; {bits}, {colours}."


def _level_curve(looks: Looks) -> Markup:
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    return steps({"all": (edges, looks.histogram.mean(axis=0))}, unit="level")
