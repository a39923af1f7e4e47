"""The figures of an exploration as tables, which the page shows in part and the CSV files hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ensemble.data.samples import Sample
from ensemble.explore.duplicates import CopiedImage
from ensemble.explore.exploration import Comparison, Exploration, LabelFindings, PersonFindings
from ensemble.explore.looks import QUANTILES
from ensemble.explore.shapes import at_border
from ensemble.report.tables import Cell, Table


def all_tables(found: Exploration) -> list[Table]:
    """Every table that the data fill; one without rows says that there is nothing."""
    tables = [image_table(found), fault_table(found), copy_table(found), image_pair_table(found)]
    if found.labels is not None:
        labels = found.labels
        tables += [
            class_table(found, labels),
            mask_table(found, labels),
            overlap_table(found, labels),
            outlier_table(found, labels),
            mirror_pair_table(found, labels),
        ]
        if found.persons is not None:
            tables.append(relation_table(found.persons, labels.counts.classes.names))
    if found.persons is not None:
        tables += [mended_table(found.persons), person_table(found.persons)]
    if found.against is not None:
        tables.append(shift_table(found.against))
    return tables


def image_table(found: Exploration) -> Table:
    """An image a row: size, depth, levels."""
    looks = found.survey.looks
    levels = [f"level q{100 * q:g}" for q in QUANTILES]
    rows = [
        (
            *(sample.name, sample.group, *looks.size[i].tolist(), int(looks.depth_bits[i])),
            *("colour" if looks.is_colour[i] else "grey", int(looks.num_bytes[i])),
            *(float(looks.mean[i]), float(looks.std[i]), *looks.quantiles[i].tolist()),
            *looks.clipped[i].tolist(),
        )
        for i, sample in enumerate(found.survey.samples)
    ]
    header = ("image", "group", "height", "width", "bits", "channels", "bytes", "mean", "std")
    formats = dict.fromkeys(("mean", "std", *levels), ".3f")
    columns = (*header, *levels, "share black", "share white")
    return Table("images", columns, tuple(rows), formats)


def class_table(found: Exploration, labels: LabelFindings) -> Table:
    """A class a row: how many images hold it, and its areas."""
    shapes = labels.shapes
    border = at_border(labels.counts.boxes, found.survey.looks.size)
    rows: list[tuple[Cell, ...]] = []
    for c, name in enumerate(labels.counts.classes.names):
        present = shapes.is_present[:, c]
        areas = shapes.area_px[present, c]
        spread = np.quantile(areas, [0, 0.25, 0.5, 0.75, 1]) if len(areas) else [np.nan] * 5
        share = float(np.median(shapes.area_share[present, c])) if len(areas) else np.nan
        rows.append((name, int(present.sum()), *map(float, spread), share, int(border[:, c].sum())))
    header = ("class", "images", "least px", "lower quartile px", "median px", "upper quartile px")
    return Table("classes", (*header, "most px", "median share", "at the border"), tuple(rows))


def mask_table(found: Exploration, labels: LabelFindings) -> Table:
    """A mask a row: what is known of its shape."""
    shapes = labels.shapes
    figures = (
        shapes.area_share,
        shapes.centre_y,
        shapes.centre_x,
        shapes.elongation,
        shapes.direction_deg,
        shapes.level,
    )
    rows: list[tuple[Cell, ...]] = [
        (
            found.survey.samples[i].name,
            labels.counts.classes.names[c],
            int(shapes.area_px[i, c]),
            *(float(figure[i, c]) for figure in figures),
        )
        for i, c in np.argwhere(shapes.is_present).tolist()
    ]
    header = ("image", "class", "area px", "share", "centre y", "centre x")
    return Table("masks", (*header, "elongation", "direction", "mean level"), tuple(rows))


def overlap_table(found: Exploration, labels: LabelFindings) -> Table:
    """Two classes that share pixels a row, those first that share most of the smaller one."""
    names, overlaps = labels.counts.classes.names, labels.counts.overlaps
    rows = [
        (
            *(names[a], names[b], int(overlaps.shared_px[a, b]), int(overlaps.num_images[a, b])),
            *(float(overlaps.share_of_smaller[a, b]), float(overlaps.worst_share[a, b])),
            found.survey.samples[overlaps.worst_image[a, b]].name,
        )
        for a, b in overlaps.worst_pairs().tolist()
    ]
    header = ("class", "other class", "shared px", "images", "share of smaller", "worst share")
    formats = {"share of smaller": ".3f", "worst share": ".3f"}
    return Table("overlaps", (*header, "worst image"), tuple(rows), formats)


def outlier_table(found: Exploration, labels: LabelFindings) -> Table:
    """A figure of a mask that is far from those of its class a row, the furthest first."""
    rows = [
        (
            found.survey.samples[outlier.image].name,
            labels.counts.classes.names[outlier.class_index],
            outlier.what,
            outlier.z,
            int(labels.shapes.area_px[outlier.image, outlier.class_index]),
        )
        for outlier in labels.outliers
    ]
    header = ("image", "class", "what", "robust z", "area px")
    return Table("outliers", header, tuple(rows), {"robust z": "+.1f"})


def mirror_pair_table(found: Exploration, labels: LabelFindings) -> Table:
    """A pair of mirror classes a row: their areas, and the images in which they swap sides."""
    names = labels.counts.classes.names
    rows: list[tuple[Cell, ...]] = []
    for pair in labels.mirror_pairs:
        logs = pair.log_ratio[pair.is_in_both]
        ratio = float(np.exp(np.median(logs))) if len(logs) else np.nan
        swapped = [found.survey.samples[i].name for i in np.flatnonzero(pair.is_swapped)]
        row = (names[pair.first], names[pair.second], len(logs), ratio, len(swapped))
        rows.append((*row, " ".join(swapped)))
    header = ("class", "mirror class", "images", "median area ratio", "swapped", "swapped images")
    return Table("mirror-classes", header, tuple(rows), {"median area ratio": ".3f"})


def image_pair_table(found: Exploration) -> Table:
    """The two images of a group a row."""
    samples = found.survey.samples
    rows = [
        (
            *(pair.group, samples[pair.first].name, samples[pair.second].name),
            *(pair.straight, pair.mirrored, pair.area_ratio, pair.z),
        )
        for pair in found.pairs
    ]
    header = ("group", "image", "other image", "alike", "alike mirrored", "area ratio", "robust z")
    formats = {"alike": ".2f", "alike mirrored": ".2f", "area ratio": ".3f", "robust z": "+.1f"}
    return Table("image-pairs", header, tuple(rows), formats)


def copy_table(found: Exploration) -> Table:
    """Two images that look the same a row, and whether their labels are the same."""
    samples = found.survey.samples
    rows = [
        (
            *_copied(copy, samples, samples, found.survey.folder),
            {None: "", True: "same", False: "differ"}[found.labels_agree(copy)],
            _folds(copy, found),
        )
        for copy in found.copies
    ]
    if found.against is not None:
        there = found.against.survey
        rows += [
            (*_copied(c, samples, there.samples, there.folder), "", "")
            for c in found.against.copies
        ]
    header = ("image", "group", "other folder", "other image", "other group", "bits", "what")
    return Table("copies", (*header, "labels", "folds"), tuple(rows))


def _copied(
    copy: CopiedImage, ours: Sequence[Sample], theirs: Sequence[Sample], folder: Path
) -> tuple[str, str, str, str, str, int, str]:
    one, two = ours[copy.first], theirs[copy.second]
    what = "same file" if copy.is_same_file else "mirrored" if copy.is_mirrored else "alike"
    return (one.name, one.group, str(folder), two.name, two.group, copy.bits, what)


def _folds(copy: CopiedImage, found: Exploration) -> str:
    """The fold of both, or of each; "" without a split."""
    if found.folds is None:
        return ""
    folds = found.folds[[copy.first, copy.second]].tolist()
    return " and ".join(str(fold) for fold in dict.fromkeys(folds))


def fault_table(found: Exploration) -> Table:
    """A fault of a file or a label a row."""
    rows = [("cannot be read", fault.name, "", fault.message) for fault in found.survey.faults]
    if found.against is not None:
        rows += [("cannot be read", f.name, "", f.message) for f in found.against.survey.faults]
    if found.labels is not None:
        rows += _label_faults(found, found.labels)
    return Table("faults", ("kind", "image", "class", "detail"), tuple(rows))


def _label_faults(found: Exploration, labels: LabelFindings) -> Iterator[tuple[str, str, str, str]]:
    counts, samples = labels.counts, found.survey.samples
    names = counts.classes.names
    for image, fault in counts.polygon_faults:
        detail = f"{fault.place}: {fault.detail}"
        yield fault.kind, samples[image].name, names[fault.class_index], detail
    for image, a, b in counts.overlaps.equal.tolist():
        yield "same mask twice", samples[image].name, names[a], f"as {names[b]}"
    for first, *others in labels.equal_labels:
        for image in others:
            yield "same label", samples[image].name, "", f"as {samples[first].name}"
    for image in labels.empty:
        yield "no label", samples[image].name, "", ""
    for name, is_there in zip(names, labels.shapes.is_anywhere, strict=True):
        if not is_there:
            yield "in no image", "", name, ""


def mended_table(persons: PersonFindings) -> Table:
    """A cell of the table of persons that was cleaned a row."""
    rows = [
        (cell.person, cell.column, cell.written, cell.read or "") for cell in persons.table.mended
    ]
    return Table("mended-cells", ("ID", "column", "written", "read as"), tuple(rows))


def person_table(persons: PersonFindings) -> Table:
    """A person who has images a row: what the table says, cleaned."""
    table = persons.table
    rows: list[tuple[Cell, ...]] = []
    for row, images in zip(persons.persons.rows, persons.persons.num_images, strict=True):
        numbers = [float(values[row]) for values in table.numbers.values()]
        words = [column[row] or "" for column in table.categories.values()]
        rows.append((table.ids[row], int(images), *numbers, *words))
    return Table("persons", ("ID", "images", *table.numbers, *table.categories), tuple(rows))


def relation_table(persons: PersonFindings, class_names: Sequence[str]) -> Table:
    """A class a row: how its area goes with each column; the first row is what chance gives."""
    relations = persons.relations
    rows: list[tuple[Cell, ...]] = [
        (name, *(float(relation.strength[c]) for relation in relations))
        for c, name in enumerate(class_names)
    ]
    chance: tuple[Cell, ...] = ("by chance up to", *(relation.chance for relation in relations))
    header = ("class", *(relation.column for relation in relations))
    formats = dict.fromkeys(header[1:], "+.2f")
    return Table("relations", header, (chance, *rows), formats)


def shift_table(against: Comparison) -> Table:
    """A figure of images a row, the most different first."""
    rows = [
        (
            *(feature.name, float(np.median(feature.ours)), float(np.median(feature.theirs))),
            *(feature.distance, against.shift.chance, feature.outside),
        )
        for feature in against.shift.features
    ]
    header = ("what", "median here", "median there", "distance", "by chance up to", "outside")
    formats = dict.fromkeys(("distance", "by chance up to", "outside"), ".2f")
    return Table("shift", header, tuple(rows), formats)
