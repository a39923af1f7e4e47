"""`ens demo`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ensemble.cli.console import console_progress
from ensemble.cli.options import UserPath, device_option, json_option
from ensemble.cli.train_zoo import TrainingLines


@click.command(short_help="Everything on synthetic hands, in minutes.")
@click.argument("folder", type=UserPath(file_okay=False, path_type=Path), default=Path("demo"))
@click.option(
    "--images",
    type=click.IntRange(min=20),
    default=60,
    show_default=True,
    help="Phantom images, two hands a person.",
)
@click.option("--seed", default=0, show_default=True)
@device_option
@json_option
def command(folder: Path, images: int, seed: int, device: str, as_json: bool) -> None:
    """Run the whole chain on synthetic hands in FOLDER (default: demo/), in minutes on a CPU.

    Draws labelled X-rays, trains three small members, tunes their weights, predicts test hands that
    nothing has seen, and leaves a report, a picture sheet and a summary, in a folder in which every
    other command can be tried. A demo that was stopped goes on where it was.

    \b
    Examples:
        ens demo
        ens demo somewhere --images 100
    """
    from models_zoo.demo import PLAN_FILE, DemoPlan, run_demo

    try:
        result = run_demo(
            folder,
            DemoPlan(images=images, seed=seed),
            device=device,
            reporter=TrainingLines(),
            progress=console_progress,
        )
    except KeyboardInterrupt:
        says = "the same command goes on where it stopped"
        if not (folder / PLAN_FILE).exists():
            says = f"remove {folder}, or name another folder, to start again"
        click.echo(f"stopped: {says}", err=True)
        raise
    click.echo(json.dumps(result.as_dict()) if as_json else result.text())
