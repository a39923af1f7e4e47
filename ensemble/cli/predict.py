"""`ens predict`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ensemble.cli.console import console_line, console_progress
from ensemble.cli.options import (
    UserPath,
    device_option,
    json_option,
    members_option,
    out_option,
    parse_base,
    rle_base_option,
    rle_order_option,
    tta_option,
)
from ensemble.wording import counted

DEFAULT_WEIGHTS = Path("per-class.json")

if TYPE_CHECKING:
    from ensemble.fusion_space import FusionSpace
    from ensemble.maps.uncertainty import UncertaintyKind
    from ensemble.members.member import Precision, RunOptions
    from ensemble.predict import PredictionSummary
    from ensemble.runs.rle import Order


@click.command(short_help="Members + images -> predictions.csv.")
@click.argument("images", type=UserPath(path_type=Path), default=Path("test"))
@members_option
@click.option(
    "--weights",
    type=UserPath(dir_okay=False, path_type=Path),
    help="per-class.json of ens tune-weights. By default all members weigh the same, threshold .5.",
)
@tta_option
@click.option(
    "--fuse",
    type=click.Choice(["prob", "logit"]),
    help="Average probabilities or logits. By default as the weights say, else prob.",
)
@out_option(
    "predictions.csv", "The predictions file; a run that was interrupted goes on where it stopped."
)
@rle_order_option
@rle_base_option
@click.option(
    "--image-names",
    type=click.Choice(["base", "path"]),
    default="base",
    show_default=True,
    help="Name images by their base name or by their path inside IMAGES.",
)
@device_option
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    default="fp32",
    show_default=True,
    help="bf16 runs networks about twice as fast where the hardware knows it; masks may differ at "
    "their borders.",
)
@click.option(
    "--compile/--no-compile",
    "compiled",
    default=False,
    help="Compile networks first, which takes a minute each and pays for itself after some "
    "hundred images.",
)
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    metavar="N",
    help="Views or windows that go through a network together. By default 8 on CUDA, else 1.",
)
@click.option(
    "--max-memory",
    metavar="SIZE",
    help="The most memory to use, as 8GB or 500MiB: of the device on CUDA, else of the process. "
    "Members that do not fit together take turns.",
)
@click.option(
    "--uncertainty",
    type=UserPath(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write how unsure each pixel is, as 8-bit grey PNGs of the images' names, or, where "
    "DIR ends in .zarr, as arrays of a zarr group; and uncertainty.csv with the most doubtful "
    "images first.",
)
@click.option(
    "--uncertainty-of",
    type=click.Choice(["entropy", "disagreement"]),
    default="entropy",
    show_default=True,
    help="entropy: 255 where a fused probability is .5. disagreement: the standard deviation of "
    "what members say, 255 where half of them say 0 and half 1. The largest of all classes.",
)
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
    uncertainty: Path | None,
    uncertainty_of: UncertaintyKind,
    as_json: bool,
    **run: Any,
) -> None:
    """Predict the masks of IMAGES (default: test/) into a run-length CSV.

    \b
    Examples:
        ens predict
        ens predict --members a.pt,b.pt --weights per-class.json
        ens predict scans/ --members 'members/*.pt' --tta hflip,scale=0.75:1:1.25
        ens predict scans/ --precision bf16 --max-memory 8GB
        ens predict scans/ --uncertainty doubts
        ens predict scans/ --uncertainty doubts.zarr --uncertainty-of disagreement
    """
    from ensemble.data.datasets import open_images
    from ensemble.files.output_place import refuse_overwriting
    from ensemble.fusion.ensembles import load_ensemble
    from ensemble.members.roster import find_members
    from ensemble.predict import PredictionFormat, predict
    from ensemble.prediction_plan import plan_prediction
    from ensemble.runs.rle import RleFormat

    options = _run_options(**run)
    folder = open_images(images)
    ensemble = load_ensemble(
        members,
        weights,
        views=tta,
        space=fuse,
        options=options,
        uncertainty=None if uncertainty is None else uncertainty_of,
    )
    refuse_overwriting(out, [*find_members(members), *([] if weights is None else [weights])])
    _note_other_settings(weights, tta, fuse)
    plan = plan_prediction(ensemble, folder, options.max_bytes)
    console_line(_weights_line(weights))
    for line in plan.lines():
        console_line(line)
    rle = RleFormat(rle_order, parse_base(rle_base))
    output = PredictionFormat(rle, image_names == "path", uncertainty)
    summary = predict(ensemble, folder, out, plan=plan, output=output, progress=console_progress)
    click.echo(json.dumps(asdict(summary), default=str) if as_json else _sentence(summary))


def _run_options(
    *,
    device: str,
    precision: Precision,
    compiled: bool,
    at_once: int | None,
    max_memory: str | None,
) -> RunOptions:
    from ensemble.byte_sizes import parse_bytes
    from ensemble.members.member import RunOptions

    return RunOptions(
        device=device,
        precision=precision,
        compiled=compiled,
        at_once=at_once,
        max_bytes=None if max_memory is None else parse_bytes(max_memory),
    )


def _weights_line(weights: Path | None) -> str:
    """Which weights it will be, and that others lie here if they do."""
    if weights is not None:
        return f"weights and thresholds of {weights}"
    line = "every member weighs the same, thresholds .5"
    if DEFAULT_WEIGHTS.exists():
        line += f"; --weights {DEFAULT_WEIGHTS} takes those that were tuned"
    return line


def _note_other_settings(weights: Path | None, tta: str | None, fuse: FusionSpace | None) -> None:
    """Say so where weights are used with other views or another space than they were made for."""
    if weights is None or (tta is None and fuse is None):
        return
    from ensemble.fusion.weights_file import read_weights
    from ensemble.maps.views import parse_views

    stored = read_weights(weights)
    other = []
    if tta is not None and set(parse_views(tta)) != set(parse_views(stored.views)):
        other.append((_views(stored.views), _views(tta)))
    if fuse is not None and fuse != stored.space:
        other.append((f"--fuse {stored.space}", f"--fuse {fuse}"))
    if other:
        made_for, asked_for = (" and ".join(words) for words in zip(*other, strict=True))
        console_line(
            f"note: {weights} was made for {made_for}; with {asked_for} its weights and thresholds "
            "may fit less well"
        )


def _views(spec: str) -> str:
    return f"--tta {spec}" if spec else "no --tta"


def _sentence(summary: PredictionSummary) -> str:
    resumed = f", {summary.num_resumed} of them by an earlier run" if summary.num_resumed else ""
    return f"{summary.path}: {counted(summary.num_images, 'image')}{resumed}"
