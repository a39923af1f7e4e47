"""`ens compare`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensemble.cli.console import console_line, console_progress
from ensemble.cli.options import (
    UserPath,
    json_option,
    parse_base,
    rle_base_option,
    rle_order_option,
)
from ensemble.cli.tables import print_table

if TYPE_CHECKING:
    from ensemble.compare.comparison import Comparison
    from ensemble.runs.joined_tables import Missing
    from ensemble.runs.rle import Order

_SHOWN = 10


@click.command(short_help="How alike prediction files are, without labels.")
@click.argument("files", nargs=-1, required=True, type=UserPath(path_type=Path))
@click.option(
    "--images",
    type=UserPath(file_okay=False, path_type=Path),
    help="The folder of the images: shows the masks that differ most over them.",
)
@click.option(
    "--missing",
    type=click.Choice(["refuse", "empty"]),
    default="refuse",
    show_default=True,
    help="What a row is that other files have.",
)
@rle_order_option
@rle_base_option
@click.option(
    "--out",
    type=UserPath(file_okay=False, path_type=Path),
    default=Path("compared"),
    show_default=True,
    help="The folder of the page and its tables.",
)
@json_option
def command(
    files: tuple[Path, ...],
    images: Path | None,
    missing: Missing,
    rle_order: Order,
    rle_base: str,
    out: Path,
    as_json: bool,
) -> None:
    """Compare prediction FILES: Dice of each pair, by class and image, and a page that shows it.

    \b
    Examples:
        ens compare a.csv b.csv c.csv
        ens compare a.csv b.csv --images test/ --out compared
    """
    from ensemble.compare.comparison import compare_files
    from ensemble.compare.page import write_comparison
    from ensemble.compare.pixel_order import order_hint
    from ensemble.data.datasets import open_images
    from ensemble.report.page import check_page_folder

    check_page_folder(out, kind="comparison")
    found = compare_files(
        files,
        base=parse_base(rle_base),
        missing=missing,
        images=None if images is None else open_images(images),
        progress=console_progress,
    )
    if hint := order_hint(found):
        console_line(f"note: {hint}")
    page = write_comparison(out, found, order=rle_order, progress=console_progress)
    if as_json:
        click.echo(json.dumps(_content(found, page), ensure_ascii=False))
        return
    _show(found)
    click.echo(f"\n{page}")


def _content(found: Comparison, page: Path) -> dict[str, object]:
    from ensemble.compare.clusters import mergers
    from ensemble.compare.notes import take_notes

    names, images, classes = found.names, found.image_names, found.class_names
    joins = [
        {
            "first": _named(join.first, names),
            "second": _named(join.second, names),
            "dice": join.dice,
        }
        for join in mergers(found.matrix)
    ]
    return {
        "files": list(names),
        "paths": [str(table.path) for table in found.joined.tables],
        "dice": found.matrix.tolist(),
        "mean_with_others": dict(zip(names, found.with_others.tolist(), strict=True)),
        "clusters": joins,
        "per_class": dict(zip(classes, found.of_classes.tolist(), strict=True)),
        "per_image": dict(zip(images, found.of_images.tolist(), strict=True)),
        "per_mask": _of_masks(found),
        "most_different": _most_different(found),
        "missing_rows": list(found.joined.missing),
        "notes": [{"weight": note.weight, "text": note.text} for note in take_notes(found)],
        "page": str(page),
    }


def _named(group: Sequence[int], names: Sequence[str]) -> list[str]:
    return [names[f] for f in group]


def _of_masks(found: Comparison) -> dict[str, dict[str, float]]:
    """Mean Dice by image and class; pairs without a row are left out."""
    rows = zip(found.image_names, found.of_masks.tolist(), strict=True)
    return {
        image: {
            name: dice
            for name, dice in zip(found.class_names, line, strict=True)
            if not math.isnan(dice)
        }
        for image, line in rows
    }


def _most_different(found: Comparison) -> list[dict[str, object]]:
    """The masks that differ most, with the two files that differ most on each."""
    return [
        {
            "image": found.image_names[n],
            "class": found.class_names[c],
            "dice": float(found.of_masks[n, c]),
            "least_dice": float(found.least[n, c]),
            "least_alike": _named(found.furthest(n, c), found.names),
            "areas_px": dict(zip(found.names, found.areas_px[:, n, c].tolist(), strict=True)),
        }
        for n, c in found.most_different(_SHOWN)
    ]


def _show(found: Comparison) -> None:
    from ensemble.compare.clusters import merger_text, mergers

    rows = [
        [name, *(f"{value:.4f}" for value in line)]
        for name, line in zip(found.names, found.matrix, strict=True)
    ]
    print_table(["Dice", *found.names], rows)
    for merger in mergers(found.matrix):
        click.echo(merger_text(merger, found.names))
    for what, names, values in (
        ("class", found.class_names, found.of_classes),
        ("image", found.image_names, found.of_images),
    ):
        click.echo()
        worst = sorted(zip(values.tolist(), names, strict=True))[:_SHOWN]
        print_table([what, "Dice"], [[name, f"{value:.4f}"] for value, name in worst])
    click.echo("Dice of one file against the other, mean over the rest; the least alike first.")
