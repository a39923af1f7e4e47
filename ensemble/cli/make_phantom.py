"""`ens make-phantom`."""

from __future__ import annotations

from pathlib import Path

import click

from ensemble.cli.console import console_progress
from ensemble.cli.options import UserPath
from ensemble.wording import counted


@click.command(short_help="Draw synthetic hand X-rays with 29 labelled bones.")
@click.argument("folder", type=UserPath(path_type=Path))
@click.option("--images", default=30, show_default=True, help="6 or more; two hands a person.")
@click.option("--size", default=2048, show_default=True, help="Pixels a side, 64 to 4096.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same bytes.")
def command(folder: Path, images: int, size: int, seed: int) -> None:
    """Make a synthetic set of hand X-rays with 29 labelled bones in FOLDER.

    The layout is that of the hand-bone contest, in train/, val/ and test/, all three labelled.

    \b
    Examples:
        ens make-phantom hands
        ens make-phantom hands --images 100 --size 512 --seed 7
    """
    from models_zoo.phantom import make_phantom

    make_phantom(folder, images=images, size=size, seed=seed, progress=console_progress)
    click.echo(f"{folder}: {counted(images, 'image')} of {size} x {size}")
