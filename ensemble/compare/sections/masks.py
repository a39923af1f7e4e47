"""How alike files are by class and by image."""

from __future__ import annotations

import numpy as np

from ensemble.compare.comparison import Comparison
from ensemble.compare.tables import (
    class_table,
    dice_table,
    image_table,
    mask_table,
    worst_classes,
    worst_images,
)
from ensemble.report.blocks import figure, heat_table, table
from ensemble.report.charts import box_plot
from ensemble.report.page import Section

_MOST_ROWS = 300
# Images in the matrix of images and classes, and classes in it: those that differ most.
_MATRIX = (30, 40)


def class_section(found: Comparison) -> Section:
    """A box of Dice a class, and all figures of classes."""
    least = found.least
    boxes = {found.class_names[c]: least[:, c] for c in worst_classes(found)}
    which = "two files" if len(found.names) == 2 else "the two files that differ most"
    caption = (
        f"Dice of {which} on each image, the lowest mean first. Boxes: quartiles and median; "
        "whiskers: up to 1.5 times the box; circles: beyond."
    )
    content = class_table(found)
    return Section(
        "classes",
        "Classes",
        (
            figure(box_plot(boxes, unit="Dice"), caption),
            table(
                content,
                "Classes, the least alike first. Dice: mean over pairs of files and images; least: "
                "the lowest of any; empty: images on which a file has no pixel of the class.",
            ),
        ),
        (content,),
    )


def image_section(found: Comparison) -> Section:
    """The images on which files differ most, by class."""
    images, classes = worst_images(found)[: _MATRIX[0]], worst_classes(found)[: _MATRIX[1]]
    content = image_table(found)
    return Section(
        "images",
        "Images",
        (
            heat_table(
                100 * (1 - found.of_masks[np.ix_(images, classes)]),
                [found.image_names[n] for n in images],
                [found.class_names[c] for c in classes],
                caption="How files differ: 100 (1 - mean Dice of their pairs), the images and "
                "classes that differ most first. masks.csv has all of them, dice.csv each pair.",
                how=".0f",
                least_shown=0.5,
            ),
            table(
                content,
                "Images, the least alike first: those on which to look before trusting any file. "
                "Its Dice: of the two files that differ most.",
                most_rows=_MOST_ROWS,
            ),
        ),
        (content, mask_table(found), dice_table(found)),
    )
