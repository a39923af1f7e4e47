"""`ens adopt`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ensemble.cli.console import console_line
from ensemble.cli.options import UserPath


@click.command(short_help="A network trained elsewhere -> a member.")
@click.argument("source", type=UserPath(path_type=Path))
@click.option(
    "--classes",
    type=UserPath(path_type=Path),
    required=True,
    help="classes.yaml, whose names are the network's outputs in their order.",
)
@click.option("--arch", help="As in a zoo file: unet, torchvision/fcn_resnet50, ens/segformer, ...")
@click.option("--encoder", help="As in a zoo file: resnet34, tu-convnext_tiny, mit_b2, ...")
@click.option(
    "--options", metavar="JSON", help="Of the architecture: '{\"decoder_channels\": [64, 32]}'."
)
@click.option("--size", metavar="N|HxW", help="Of the input that it was trained with.")
@click.option("--window", type=float, metavar="OVERLAP", help="Predict with windows of that size.")
@click.option("--channels", type=click.Choice(["1", "3"]), help="Of its input; 3 where not said.")
@click.option("--mean", metavar="A,B,C", help="Of images from 0 to 1; ImageNet's where not said.")
@click.option("--std", metavar="A,B,C", help="Of images from 0 to 1; ImageNet's where not said.")
@click.option(
    "--intensity",
    type=click.Choice(["auto", "full", "percentile"]),
    help="How images are brought to 8 bit, see ens train-zoo --example.",
)
@click.option("--name", help="Of the member; by default that of SOURCE.")
@click.option("--prefix", help="Of the network's weights among those of the file, as in model.")
@click.option("--part", help="The entry of the file that holds the weights, as in ema.")
@click.option(
    "--out",
    type=UserPath(file_okay=False, path_type=Path),
    default=Path("members"),
    show_default=True,
    help="The folder of the member.",
)
def command(
    source: Path,
    classes: Path,
    arch: str | None,
    encoder: str | None,
    options: str | None,
    size: str | None,
    window: float | None,
    channels: str | None,
    mean: str | None,
    std: str | None,
    intensity: str | None,
    name: str | None,
    prefix: str | None,
    part: str | None,
    out: Path,
) -> None:
    """Make a member of SOURCE, a network that another program trained.

    SOURCE is a checkpoint (a state_dict with any prefix, Lightning's, safetensors), a folder of
    smp's save_pretrained or of Hugging Face's SegFormer, or mmsegmentation's SegFormer. Nothing in
    it runs, and nothing is loaded half.

    \b
    Examples:
        ens adopt best.ckpt --arch unet --encoder resnet34 --size 512 --classes classes.yaml
        ens adopt smp-folder --size 1024 --classes classes.yaml
        ens adopt segformer_mit-b2.pth --size 512 --classes classes.yaml --name b2
    """
    from ensemble.classes import read_class_list
    from models_zoo.adopt.adoption import Place, adopt

    given: dict[str, Any] = {
        "arch": arch,
        "encoder": encoder,
        "options": None if options is None else _json_mapping(options),
        "size": None if size is None else _sides(size),
        "window": None if window is None else {"overlap": window},
        "channels": None if channels is None else int(channels),
        "mean": None if mean is None else _numbers(mean, "--mean"),
        "std": None if std is None else _numbers(std, "--std"),
        "intensity": intensity,
        "name": name,
    }
    said = {key: value for key, value in given.items() if value is not None}
    adoption = adopt(
        source,
        read_class_list(classes),
        said,
        out=out,
        place=Place(part, prefix),
        tell=console_line,
    )
    for note in adoption.notes:
        click.echo(note, err=True)
    click.echo(f"{adoption.path}: {adoption.spec.arch}, and it answers")


def _json_mapping(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"is not JSON: {error}", param_hint="--options") from error
    if not isinstance(options, dict):
        raise click.BadParameter("is no mapping", param_hint="--options")
    return options


def _sides(text: str) -> list[int]:
    sides = text.lower().split("x")
    if not 1 <= len(sides) <= 2 or not all(side.strip().isdecimal() for side in sides):
        raise click.BadParameter(f"{text!r} is neither N nor HxW", param_hint="--size")
    return [int(side) for side in sides] * (2 // len(sides))


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"{text!r} are no numbers", param_hint=option) from error
