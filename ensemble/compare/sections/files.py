"""How alike files are, and which of them group together."""

from __future__ import annotations

from markupsafe import Markup

from ensemble.compare.clusters import mergers
from ensemble.compare.comparison import Comparison
from ensemble.compare.tables import cluster_table, file_table, matrix_table
from ensemble.report.blocks import figure, heat_table, paragraph, table
from ensemble.report.dendrogram import Join, dendrogram
from ensemble.report.page import Section


def file_section(found: Comparison) -> Section:
    """Dice of every two files, as a heat map where there are three or more."""
    names = found.names
    content = file_table(found)
    blocks: list[Markup] = []
    if len(names) > 2:
        heat = (
            "1 - mean Dice of two files over images and classes: the stronger the colour, the less "
            "alike. matrix.csv has the Dice."
        )
        blocks.append(heat_table(1 - found.matrix, names, names, caption=heat, how=".4f"))
    caption = (
        "Dice: mean over images and classes. Empty masks may be right, where an image lacks a "
        "class."
    )
    tables = (content, matrix_table(found))
    return Section("files", "Files", (*blocks, table(content, caption)), tables)


def cluster_section(found: Comparison) -> Section:
    """A tree of the files."""
    joins = mergers(found.matrix)
    drawn = dendrogram(
        found.names,
        [Join(join.first, join.second, max(1 - join.dice, 0.0)) for join in joins],
        axis="1 - mean Dice",
        label="dendrogram of files",
    )
    text = (
        "The most alike files join first, and two groups join at 1 minus the mean Dice between "
        "their files (average linkage): the further right a line, the less alike what it joins."
    )
    content = cluster_table(found, joins)
    return Section(
        "clusters",
        "Clusters",
        (
            paragraph(text),
            figure(drawn, "Files by 1 - mean Dice over images and classes."),
            table(content, "Groups in the order in which they join, at a mean Dice."),
        ),
        (content,),
    )
