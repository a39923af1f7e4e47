"""`ens vote`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensemble.cli.console import console_progress
from ensemble.cli.options import (
    UserPath,
    json_option,
    out_option,
    parse_base,
    rle_base_option,
    rle_order_option,
)
from ensemble.wording import counted

if TYPE_CHECKING:
    from ensemble.runs.joined_tables import Missing
    from ensemble.runs.rle import Order
    from ensemble.vote import VoteSummary


def _numbers(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[float, ...] | None:
    """The numbers of a comma list."""
    del context, option
    try:
        return None if value is None else tuple(float(number) for number in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no list of numbers such as 2,1,1") from error


@click.command(short_help="Prediction files -> one, by weighted vote.")
@click.argument(
    "predictions", nargs=-1, required=True, type=UserPath(dir_okay=False, path_type=Path)
)
@click.option(
    "--weights",
    metavar="2,1,1",
    callback=_numbers,
    help="One number a file. By default every file counts once.",
)
@click.option(
    "--threshold",
    type=float,
    default=0.5,
    show_default=True,
    help="A pixel wins if the files that hold it have more than this share of the summed weight; "
    "exactly this share does not win.",
)
@out_option("voted.csv", "The predictions file to write, in the order of the first file.")
@click.option(
    "--missing",
    type=click.Choice(["refuse", "empty"]),
    default="refuse",
    show_default=True,
    help="What a row is that only other files have: an error, or an empty mask.",
)
@rle_order_option
@rle_base_option
@click.option(
    "--out-order",
    type=click.Choice(["row", "column"]),
    help="Order of the runs in OUT; another one than --rle-order needs --images.",
)
@click.option("--out-base", type=click.Choice(["0", "1"]), help="Base of the runs in OUT.")
@click.option(
    "--images",
    type=UserPath(path_type=Path),
    help="The images of the files, by which runs that end outside of them are found.",
)
@json_option
def command(
    predictions: tuple[Path, ...],
    weights: tuple[float, ...] | None,
    threshold: float,
    out: Path,
    missing: Missing,
    rle_order: Order,
    rle_base: str,
    out_order: Order | None,
    out_base: str | None,
    images: Path | None,
    as_json: bool,
) -> None:
    """Vote with PREDICTIONS files on every pixel of every image and class, into one file.

    Rows are joined by image name and class, whatever their order. Rows that are doubled, or missing
    in one of the files, are listed and refused.

    \b
    Examples:
        ens vote a.csv b.csv c.csv
        ens vote a.csv b.csv c.csv --weights 2,1,1 --threshold 0.4 --out voted.csv
        ens vote a.csv b.csv --images test/ --out-order column --out-base 0
    """
    from ensemble.data.datasets import open_images
    from ensemble.runs.rle import RleFormat
    from ensemble.vote import VoteSettings, vote_files

    settings = VoteSettings(
        weights=weights,
        threshold=threshold,
        missing=missing,
        read=RleFormat(rle_order, parse_base(rle_base)),
        written=RleFormat(out_order or rle_order, parse_base(out_base or rle_base)),
    )
    summary = vote_files(
        predictions,
        out,
        settings,
        images=None if images is None else open_images(images),
        progress=console_progress,
    )
    if as_json:
        click.echo(json.dumps(asdict(summary), default=str))
    else:
        _show(summary, weights or (1.0,) * len(predictions), threshold)


def _show(summary: VoteSummary, weights: tuple[float, ...], threshold: float) -> None:
    if summary.num_missing:
        rows = counted(summary.num_missing, "row")
        click.echo(f"{rows} that a file lacks counted as empty masks:")
        more = summary.num_missing - len(summary.first_missing)
        for line in (*summary.first_missing, *([f"and {more} more"] if more else [])):
            click.echo(f"  {line}")
    click.echo(
        f"A pixel wins with more than {threshold:g} of the summed weight {sum(weights):g} "
        f"({', '.join(f'{weight:g}' for weight in weights)})."
    )
    images = counted(summary.num_images, "image")
    click.echo(f"{summary.path}: {counted(summary.num_rows, 'row')} of {images}")
