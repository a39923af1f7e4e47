"""Dice by class, by image and by person, and how far outlines lie apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.diagnosis.diagnosis import Diagnosis
from ensemble.diagnosis.persons import GroupScore
from ensemble.diagnosis.tables import (
    class_table,
    dice_table,
    image_table,
    mask_table,
    person_table,
    worst_classes,
    worst_images,
)
from ensemble.report.blocks import figure, heat_table, paragraph, table
from ensemble.report.charts import box_plot, histogram
from ensemble.report.page import Section
from ensemble.report.svg import DICE

Floats = NDArray[np.float64]

_MOST_ROWS = 300
# Images in the matrix of images and classes, and classes in it: those with the lowest Dice.
_MATRIX = (30, 40)


def class_section(found: Diagnosis) -> Section:
    """A box of Dice a class, and all figures of classes."""
    names, scores = found.scores.class_names, found.scores
    boxes = {names[c]: scores.dice[:, c] for c in worst_classes(found)}
    text = (
        "Dice at full size, averaged over images; an absent class that is predicted nowhere has 1. "
        "Precision and recall are averaged over the images where they are defined: where any pixel "
        "is predicted, and where any is true."
    )
    caption = (
        "Low and high: 95 % interval of Dice over groups. Distance and 95 %: of outlines, see "
        "Boundaries. Images: those that hold the class. Missed whole: no pixel of it is predicted; "
        "invented: the class is absent."
    )
    classes = class_table(found)
    return Section(
        "classes",
        "Classes",
        (
            paragraph(text),
            figure(
                box_plot(boxes, unit=DICE),
                "Dice of each image, the lowest mean first. Boxes: quartiles and median; whiskers: "
                "up to 1.5 times the box; circles: beyond.",
            ),
            table(classes, caption),
        ),
        (classes, mask_table(found)),
    )


def image_section(found: Diagnosis) -> Section:
    """The distribution over images, and what is lost in the worst."""
    scores = found.scores
    images, classes = worst_images(found)[: _MATRIX[0]], worst_classes(found)[: _MATRIX[1]]
    lost = 1 - scores.dice[np.ix_(images, classes)]
    content = image_table(found)
    return Section(
        "images",
        "Images",
        (
            figure(
                histogram({"Dice": scores.dice.mean(axis=1)}, unit="Dice", size=(760, 180)),
                "Mean Dice over classes of each image, as a share of images.",
            ),
            table(
                content,
                "Percents are of the pixels that have a class in truth or prediction; overlaps: "
                "of those with two or more classes.",
                most_rows=_MOST_ROWS,
            ),
            heat_table(
                100 * lost,
                [scores.image_names[i] for i in images],
                [scores.class_names[c] for c in classes],
                caption="What is lost: 100 (1 - Dice), the worst images and classes first.",
                how=".0f",
                least_shown=0.5,
            ),
        ),
        (content, dice_table(found)),
    )


def boundary_section(found: Diagnosis) -> Section:
    """A box of mean surface distances a class."""
    names = found.scores.class_names
    distances = found.surface_px[..., 0]
    order = np.argsort(-_medians(distances), kind="stable").tolist()
    undefined = int(np.isnan(distances).sum())
    text = (
        "How far outlines lie apart, in pixels of the full size: the mean, over the outline pixels "
        "of truth and prediction together, of the distance to the nearest one of the other. The "
        "tables also hold the 95 % Hausdorff distance, the larger of the 95th percentiles of the "
        f"two directions. Both are undefined where a mask is empty, as {undefined} of "
        f"{distances.size} are here."
    )
    boxes = {names[c]: distances[:, c] for c in order}
    caption = (
        "Mean distance of outlines of each image, the largest median first, and before all classes "
        "that are never both there and predicted."
    )
    drawn = figure(box_plot(boxes, unit="px"), caption)
    return Section("boundaries", "Boundaries", (paragraph(text), drawn))


def _medians(values: Floats) -> Floats:
    """(C,): of what is no NaN; infinite where all are."""
    known = [column[np.isfinite(column)] for column in values.T]
    return np.array([np.median(column) if len(column) else np.inf for column in known])


def person_section(found: Diagnosis) -> Section | None:
    """Dice by each column of the table of persons; None without one."""
    if found.by_person is None:
        return None
    if not found.by_person:
        text = "No column of the table of persons puts these images into two groups or more."
        return Section("persons", "Persons", (paragraph(text),))
    by_image = found.scores.dice.mean(axis=1)
    content = person_table(found)
    columns = list(dict.fromkeys(group.column for group in found.by_person))
    figures = [
        figure(
            box_plot(
                {g.name: by_image[g.images] for g in _of_column(found.by_person, column)},
                unit=DICE,
            ),
            f"Mean Dice of each image by {column}.",
        )
        for column in columns
    ]
    caption = (
        "Low and high: 95 % interval of the mean over persons, of which two are needed. Of many "
        "groups one in twenty lies outside by chance."
    )
    return Section("persons", "Persons", (*figures, table(content, caption)), (content,))


def _of_column(groups: Sequence[GroupScore], column: str) -> list[GroupScore]:
    return [group for group in groups if group.column == column]
