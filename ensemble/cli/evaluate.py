"""`ens evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensemble.cli.console import console_line, console_progress
from ensemble.cli.options import (
    UserPath,
    groups_option,
    json_option,
    metadata_option,
    parse_base,
    rle_base_option,
    rle_order_option,
)
from ensemble.cli.tables import print_table
from ensemble.wording import counted

if TYPE_CHECKING:
    from ensemble.data.datasets import LabelledFolder
    from ensemble.diagnosis.diagnosis import Diagnosis
    from ensemble.evaluate import Scores
    from ensemble.intervals import Interval
    from ensemble.report.pictures import Palette
    from ensemble.runs.rle import Order, RleFormat


@click.command(short_help="Score a predictions file against labels.")
@click.argument("predictions", type=UserPath(path_type=Path))
@click.argument("labelled", type=UserPath(path_type=Path))
@rle_order_option
@rle_base_option
@groups_option("the folder that an image lies in, else every image is its own")
@click.option(
    "--out", type=UserPath(dir_okay=False, path_type=Path), help="Also write image x class Dice."
)
@click.option(
    "--report",
    type=UserPath(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write a page about all errors into this folder, and its tables.",
)
@click.option(
    "--colours",
    type=click.Choice(["safe", "contest"]),
    default="safe",
    show_default=True,
    help="Of error maps in the report: those that colour-blind readers tell apart, or the "
    "contest's (red: another class, yellow: missed, green: extra, blue: right).",
)
@metadata_option
@json_option
def command(
    predictions: Path,
    labelled: Path,
    rle_order: Order,
    rle_base: str,
    groups: str | None,
    out: Path | None,
    report: Path | None,
    colours: Palette,
    metadata: Path | None,
    as_json: bool,
) -> None:
    """Score a PREDICTIONS file against a LABELLED folder: Dice of each class, and their mean.

    \b
    Examples:
        ens evaluate predictions.csv test/
        ens evaluate predictions.csv test/ --out scores.csv --json
        ens evaluate predictions.csv test/ --report errors
    """
    from ensemble.data.datasets import open_labelled
    from ensemble.evaluate import better_order, evaluate, write_scores
    from ensemble.files.output_place import refuse_overwriting
    from ensemble.report.page import check_page_folder
    from ensemble.runs.rle import RleFormat

    if metadata is not None and report is None:
        raise click.UsageError("--metadata is for --report, which is missing")
    if report is not None:
        check_page_folder(report, kind="errors")
    if out is not None:
        refuse_overwriting(out, [predictions, labelled])
    data = open_labelled(labelled, groups=groups)
    rle = RleFormat(rle_order, parse_base(rle_base))
    page = None
    if report is None:
        scores = evaluate(
            predictions, data, order=rle.order, base=rle.base, progress=console_progress
        )
    else:
        found = _diagnose(predictions, data, rle, metadata)
        scores, page = found.scores, _write_report(report, found, colours)
    if (better := better_order(predictions, data, scores, rle)) is not None:
        order, dice = better
        console_line(
            f"note: read with --rle-order {order} the first images have a Dice of {dice:.4f}"
        )
    if out is not None:
        write_scores(out, scores)
    if as_json:
        where = {} if page is None else {"report": str(page)}
        click.echo(json.dumps(_content(scores) | where, ensure_ascii=False))
    else:
        _show(scores)
        if page is not None:
            click.echo(f"\n{page}")


def _diagnose(
    predictions: Path, data: LabelledFolder, rle: RleFormat, metadata: Path | None
) -> Diagnosis:
    from ensemble.diagnosis.diagnosis import PredictedFolder, diagnose

    folder = PredictedFolder.open(predictions, data, rle)
    return diagnose(folder, metadata=metadata, progress=console_progress)


def _write_report(folder: Path, found: Diagnosis, colours: Palette) -> Path:
    from ensemble.diagnosis.page import write_diagnosis

    return write_diagnosis(folder, found, palette=colours, progress=console_progress)


def _content(scores: Scores) -> dict[str, object]:
    interval = scores.mean_interval()
    return {
        "mean_dice": scores.mean,
        "interval": None if interval is None else [interval.low[0], interval.high[0]],
        "per_class": dict(zip(scores.class_names, scores.per_class.tolist(), strict=True)),
        "images": len(scores.image_names),
        "groups": len(set(scores.groups)),
    }


def _show(scores: Scores) -> None:
    intervals = scores.class_intervals()
    rows = [
        [name, f"{value:.4f}", _span(intervals, c), f"{scores.dice[:, c].min():.4f}"]
        for c, (name, value) in enumerate(zip(scores.class_names, scores.per_class, strict=True))
    ]
    worst = scores.dice.mean(axis=1).min()
    rows.append(["mean", f"{scores.mean:.4f}", _span(scores.mean_interval(), 0), f"{worst:.4f}"])
    print_table(["class", "Dice", "95 % interval", "worst image"], rows)
    images = counted(len(scores.image_names), "image")
    groups = counted(len(set(scores.groups)), "group")
    click.echo(f"{images} of {groups}; Dice is averaged over images, then over classes.")


def _span(interval: Interval | None, index: int) -> str:
    return "" if interval is None else f"{interval.low[index]:.4f} to {interval.high[index]:.4f}"
