"""People: their two sides, and what the table of persons says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from ensemble.data.metadata import UNITS
from ensemble.errors import few
from ensemble.explore.exploration import Exploration, PersonFindings
from ensemble.explore.relations import LEAST_PERSONS, Relation
from ensemble.explore.tables import (
    image_pair_table,
    mended_table,
    mirror_pair_table,
    person_table,
    relation_table,
)
from ensemble.report.blocks import figure, heat_table, paragraph, side_by_side, table
from ensemble.report.charts import bars, histogram, scatter
from ensemble.report.page import Section
from ensemble.report.tables import Table
from ensemble.wording import counted

_MOST_ROWS = 400


def side_section(found: Exploration) -> Section | None:
    """Mirror classes, and groups of two images; None where there is neither."""
    blocks: list[Markup] = []
    tables: list[Table] = []
    if found.labels is not None and found.labels.mirror_pairs:
        mirrored = mirror_pair_table(found, found.labels)
        tables.append(mirrored)
        text = (
            "Classes that swap in a mirror image: an image is listed as swapped where the first "
            "lies on the side on which the second lies in most images."
        )
        blocks += [paragraph(text), table(mirrored, "Pairs of mirror classes.")]
    if found.pairs:
        pairs = image_pair_table(found)
        tables.append(pairs)
        count = sum(pair.is_mirror_image for pair in found.pairs)
        text = (
            f"{counted(len(found.pairs), 'group')} of two images: in {count} of them one resembles "
            "the mirror image of the other more than the other itself, as left and right do. Alike "
            "is the correlation of thumbnails; the area ratio is the median over classes of the "
            "larger area over the smaller."
        )
        blocks += [paragraph(text), table(pairs, "Groups of two images.", most_rows=_MOST_ROWS)]
    return Section("sides", "Left and right", tuple(blocks), tuple(tables)) if blocks else None


def person_section(found: Exploration) -> Section | None:
    """Distributions of the columns, how areas go with them, and cells that were cleaned."""
    if found.persons is None:
        return None
    people = found.persons
    mended, persons = mended_table(people), person_table(people)
    tables = [mended, persons]
    blocks = [paragraph(_coverage(people)), side_by_side(*_distributions(people))]
    if found.labels is not None and people.relations:
        names = found.labels.counts.classes.names
        known = [relation for relation in people.relations if relation.is_known]
        blocks += _relations(people, known, names)
        tables += [relation_table(people, names)] if known else []
    blocks += [
        table(mended, "Cells that were cleaned; nothing was left of those without a reading."),
        table(persons, "Persons who have images.", most_rows=_MOST_ROWS),
    ]
    return Section("persons", "Persons", tuple(blocks), tuple(tables))


def _coverage(people: PersonFindings) -> str:
    persons, table_name = people.persons, people.table.path.name
    parts = [f"{counted(len(persons.rows), 'person')} of {table_name} have images here"]
    if persons.unknown:
        parts.append(f"{counted(len(persons.unknown), 'group')} of images without a row")
    if persons.unused:
        parts.append(f"{counted(len(persons.unused), 'row')} without an image here")
    if people.table.left_out:
        parts.append(f"columns left out: {', '.join(people.table.left_out)}")
    return "; ".join(parts) + "."


def _distributions(people: PersonFindings) -> list[Markup]:
    rows = people.persons.rows
    drawn = []
    for name, values in people.table.numbers.items():
        unit = UNITS.get(name, "")
        unknown = int(np.isnan(values[rows]).sum())
        text = f"{name.capitalize()} of {len(rows) - unknown} persons"
        missing = f", {unknown} unknown." if unknown else "."
        drawn.append(figure(histogram({name: values[rows]}, unit=unit), text + missing))
    for name, words in people.table.categories.items():
        counts = Counter(words[row] or "unknown" for row in rows)
        shown = {word: float(count) for word, count in sorted(counts.items())}
        drawn.append(figure(bars(shown, unit="persons", width=360), f"{name.capitalize()}."))
    return drawn


def _chance_text(relations: Sequence[Relation]) -> str:
    reached = ", ".join(f"{relation.column} {relation.chance:.2f}" for relation in relations)
    return (
        "By chance the strongest of all classes reaches, in one of twenty shuffles of persons: "
        f"{reached}."
    )


def _relations(
    people: PersonFindings, relations: Sequence[Relation], names: tuple[str, ...]
) -> list[Markup]:
    """A matrix of strengths, and each number against the class that goes with it most."""
    if not relations:
        persons = counted(len(people.persons.rows), "person")
        text = (
            f"How areas go with {few([relation.column for relation in people.relations])} is not "
            f"told of {persons}: that takes {LEAST_PERSONS} of whom both are known."
        )
        return [paragraph(text)]
    matrix = np.stack([relation.strength for relation in relations], axis=1)
    caption = (
        "How areas go with persons: Spearman's rank correlation for numbers, for categories the "
        f"root of the share of the variance of ranks that they explain. {_chance_text(relations)}"
    )
    columns = [relation.column for relation in relations]
    scatters = [
        _strongest(people, relation, names)
        for relation in relations
        if relation.column in people.table.numbers
    ]
    drawn = [heat_table(matrix, names, columns, caption=caption)]
    return [*drawn, side_by_side(*scatters)] if scatters else drawn


def _strongest(people: PersonFindings, relation: Relation, names: tuple[str, ...]) -> Markup:
    c = int(np.nanargmax(np.abs(relation.strength)))
    rows = people.persons.rows
    unit = UNITS.get(relation.column, "")
    drawn = scatter(
        people.table.numbers[relation.column][rows],
        100 * people.persons.areas[:, c],
        [people.table.ids[row] for row in rows],
        axes=(f"{relation.column} {unit}".strip(), "% of the image"),
    )
    return figure(drawn, f"{names[c]} against {relation.column}: {relation.strength[c]:+.2f}.")
