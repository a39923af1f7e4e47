"""`ens predict`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensemble.cli.console import console_progress
from ensemble.cli.options import device_option, json_option, members_option, tta_option

if TYPE_CHECKING:
    from ensemble.members.member import FusionSpace
    from ensemble.rle import Order


@click.command(short_help="Members + images -> predictions.csv.")
@click.argument("images", type=click.Path(path_type=Path), default=Path("test"))
@members_option
@click.option(
    "--weights",
    type=click.Path(dir_okay=False, path_type=Path),
    help="per-class.json of ens tune-weights. By default all members weigh the same, threshold .5.",
)
@tta_option
@click.option(
    "--fuse",
    type=click.Choice(["prob", "logit"]),
    help="Average probabilities or logits. By default as the weights say, else prob.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("predictions.csv"),
    show_default=True,
    help="The predictions file; a run that was interrupted goes on where it stopped.",
)
@click.option("--rle-order", type=click.Choice(["row", "column"]), default="row", show_default=True)
@click.option("--rle-base", type=click.Choice(["0", "1"]), default="1", show_default=True)
@click.option(
    "--image-names",
    type=click.Choice(["base", "path"]),
    default="base",
    show_default=True,
    help="Name images by their base name or by their path inside IMAGES.",
)
@device_option
@json_option
def command(
    images: Path,
    members: tuple[str, ...],
    weights: Path | None,
    tta: str | None,
    fuse: FusionSpace | None,
    out: Path,
    rle_order: Order,
    rle_base: str,
    image_names: str,
    device: str,
    as_json: bool,
) -> None:
    """Predict the masks of IMAGES (default: test/) into a run-length CSV.

    \b
    Examples:
        ens predict
        ens predict --members a.pt,b.pt --weights per-class.json
        ens predict scans/ --members 'members/*.pt' --tta hflip,scale=0.75:1:1.25
    """
    from ensemble.datasets import open_images
    from ensemble.ensembles import load_ensemble
    from ensemble.predict import PredictionFormat, predict

    ensemble = load_ensemble(members, weights, views=tta, space=fuse, device=device)
    summary = predict(
        ensemble,
        open_images(images),
        out,
        output=PredictionFormat(
            order=rle_order,
            base=1 if rle_base == "1" else 0,
            full_paths=image_names == "path",
        ),
        progress=console_progress,
    )
    if as_json:
        click.echo(json.dumps(asdict(summary), default=str))
        return
    resumed = f", {summary.num_resumed} of them by an earlier run" if summary.num_resumed else ""
    click.echo(f"{summary.path}: {summary.num_images} images{resumed}")
