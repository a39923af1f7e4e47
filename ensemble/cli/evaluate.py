"""`ens evaluate`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensemble.cli.console import console_progress
from ensemble.cli.options import (
    groups_option,
    json_option,
    parse_base,
    rle_base_option,
    rle_order_option,
)
from ensemble.cli.tables import print_table
from ensemble.wording import counted

if TYPE_CHECKING:
    from ensemble.evaluate import Scores
    from ensemble.intervals import Interval
    from ensemble.rle import Order


@click.command(short_help="Score a predictions file against labels.")
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("labelled", type=click.Path(path_type=Path))
@rle_order_option
@rle_base_option
@groups_option("the folder that an image lies in, else every image is its own")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write image x class Dice."
)
@json_option
def command(
    predictions: Path,
    labelled: Path,
    rle_order: Order,
    rle_base: str,
    groups: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Score a PREDICTIONS file against a LABELLED folder: Dice of each class, and their mean.

    \b
    Examples:
        ens evaluate predictions.csv test/
        ens evaluate predictions.csv test/ --out scores.csv --json
    """
    from ensemble.datasets import open_labelled
    from ensemble.evaluate import evaluate, write_scores

    scores = evaluate(
        predictions,
        open_labelled(labelled, groups=groups),
        order=rle_order,
        base=parse_base(rle_base),
        progress=console_progress,
    )
    if out is not None:
        write_scores(out, scores)
    if as_json:
        click.echo(json.dumps(_content(scores), ensure_ascii=False))
    else:
        _show(scores)


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
