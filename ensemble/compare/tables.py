"""The tables of a comparison: files beside its page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.compare.clusters import Merger, group_text
from ensemble.compare.comparison import Comparison
from ensemble.report.tables import Table


def file_table(found: Comparison) -> Table:
    """Files in their order: mean Dice with the others, the most alike of them, empty masks."""
    empty = _is_empty(found).sum(axis=(1, 2)).tolist()
    others = found.matrix - 2 * np.eye(len(found.names))  # a file is not alike itself
    rows = tuple(
        (name, mean, found.names[int(line.argmax())], float(line.max()), num_empty)
        for name, mean, line, num_empty in zip(
            found.names, found.with_others.tolist(), others, empty, strict=True
        )
    )
    header = ("file", "mean with others", "most like", "its Dice", "empty masks")
    return Table("files", header, rows, {"mean with others": ".4f", "its Dice": ".4f"})


def matrix_table(found: Comparison) -> Table:
    """Mean Dice of every two files."""
    names = found.names
    rows = tuple((name, *line) for name, line in zip(names, found.matrix.tolist(), strict=True))
    return Table("matrix", ("file", *names), rows)


def cluster_table(found: Comparison, joins: list[Merger]) -> Table:
    """Joins in their order."""
    rows = tuple(
        (group_text(join.first, found.names), group_text(join.second, found.names), join.dice)
        for join in joins
    )
    return Table("clusters", ("group", "joins", "Dice"), rows, {"Dice": ".4f"})


def class_table(found: Comparison) -> Table:
    """Classes, the least alike first."""
    empty = _is_empty(found).sum(axis=1)
    least, means = found.least, found.of_classes
    rows = tuple(
        (
            found.class_names[c],
            float(means[c]),
            float(np.nanmin(least[:, c])),
            *empty[:, c].tolist(),
        )
        for c in worst_classes(found)
    )
    header = ("class", "Dice", "least", *(f"empty in {name}" for name in found.names))
    return Table("classes", header, rows, {"Dice": ".4f", "least": ".4f"})


def image_table(found: Comparison) -> Table:
    """Images, the least alike first, with the class that differs most."""
    least, means = found.least, found.of_images
    rows = tuple(
        (found.image_names[n], float(means[n]), found.class_names[c], float(least[n, c]))
        for n in worst_images(found)
        for c in [int(np.nanargmin(least[n]))]
    )
    header = ("image", "Dice", "class that differs most", "its Dice")
    return Table("images", header, rows, {"Dice": ".4f", "its Dice": ".4f"})


def mask_table(found: Comparison) -> Table:
    """Every image and class: mean and least Dice of pairs, and the area in each file."""
    means, least = found.of_masks, found.least
    rows = tuple(
        (
            found.image_names[n],
            found.class_names[c],
            float(means[n, c]),
            float(least[n, c]),
            *found.areas_px[:, n, c].tolist(),
        )
        for n, c in np.argwhere(~np.isnan(means)).tolist()
    )
    header = ("image", "class", "Dice", "least", *(f"px in {name}" for name in found.names))
    return Table("masks", header, rows)


def dice_table(found: Comparison) -> Table:
    """Every pair of files on every image and class."""
    names = found.names
    rows = tuple(
        (names[a], names[b], found.image_names[n], found.class_names[c], float(values[n, c]))
        for (a, b), values in zip(found.pairs, found.dice, strict=True)
        for n, c in np.argwhere(~np.isnan(values)).tolist()
    )
    return Table("dice", ("file a", "file b", "image", "class", "Dice"), rows)


def worst_classes(found: Comparison) -> list[int]:
    """Classes, the least alike first."""
    return [int(c) for c in np.argsort(found.of_classes, kind="stable")]


def worst_images(found: Comparison) -> list[int]:
    """Images, the least alike first."""
    return [int(n) for n in np.argsort(found.of_images, kind="stable")]


def _is_empty(found: Comparison) -> NDArray[np.bool_]:
    """(F, N, C): rows without a pixel."""
    return np.asarray((found.areas_px == 0) & ~np.isnan(found.of_masks))
