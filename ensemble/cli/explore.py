"""`ens explore`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensemble.cli.console import console_progress
from ensemble.cli.options import UserPath, groups_option, json_option, metadata_option

if TYPE_CHECKING:
    from ensemble.explore.exploration import Exploration
    from ensemble.report.tables import Table


@click.command(short_help="Show what one should know of a data set before training.")
@click.argument("data", type=UserPath(path_type=Path))
@click.option(
    "--against",
    type=UserPath(path_type=Path),
    metavar="FOLDER",
    help="Other images, as those of the test set: how they differ from DATA, and copies in both.",
)
@click.option(
    "--split",
    type=UserPath(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="members/split.csv of ens train-zoo: which copies lie in different folds.",
)
@click.option(
    "--out",
    type=UserPath(file_okay=False, path_type=Path),
    help="The folder of the page and its tables. By default DATA-explored in this folder.",
)
@groups_option("the folder that an image lies in, else every image is its own")
@metadata_option
@json_option
def command(
    data: Path,
    against: Path | None,
    split: Path | None,
    out: Path | None,
    groups: str | None,
    metadata: Path | None,
    as_json: bool,
) -> None:
    """Look at DATA, a folder of images with labels or without, and write a page about it.

    Sizes and grey levels, areas and positions of classes, overlaps, outliers, faulty labels,
    copies, left and right, how areas go with age, sex, height and weight.

    \b
    Examples:
        ens explore train/
        ens explore train/ --against test/ --out explored --groups '^(ID[0-9]+)'
        ens explore train/ --split members/split.csv --json
    """
    from ensemble.explore.exploration import explore
    from ensemble.explore.notes import take_notes
    from ensemble.explore.page import make_page
    from ensemble.report.page import check_page_folder, write_page

    place = out or Path(f"{data.resolve().name}-explored")
    check_page_folder(place, kind="explore")
    found = explore(
        data,
        against=against,
        groups=groups,
        metadata=metadata,
        split=split,
        progress=console_progress,
    )
    page = make_page(found, progress=console_progress)
    path = write_page(place, page)
    if as_json:
        click.echo(json.dumps(_content(found, path, page.tables), ensure_ascii=False))
        return
    for note in take_notes(found):
        click.echo(f"{note.weight:<5}  {note.text}")
    click.echo(f"\n{path}")


def _content(found: Exploration, page: Path, tables: Sequence[Table]) -> dict[str, object]:
    from ensemble.explore.notes import take_notes
    from ensemble.explore.page import count_findings

    return {
        "page": str(page),
        "tables": {table.name: str(page.parent / table.file_name) for table in tables},
        "counts": {words.replace(" ", "_"): n for words, n in count_findings(found).items()},
        "notes": [
            {"weight": note.weight, "text": note.text, "section": note.slug}
            for note in take_notes(found)
        ],
    }
