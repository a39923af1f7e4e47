"""`ens augment`."""

from __future__ import annotations

from pathlib import Path

import click

from ensemble.cli.console import console_line, console_progress
from ensemble.cli.options import UserPath
from ensemble.wording import counted


@click.command(short_help="Changed copies of a labelled folder, as files.")
@click.argument("labelled", type=UserPath(path_type=Path))
@click.argument("out", type=UserPath(file_okay=False, path_type=Path))
@click.option(
    "--copies",
    type=click.IntRange(min=0),
    default=0,
    help="Changed copies of each image, as --augment says.",
)
@click.option(
    "--augment",
    type=click.Choice(["light", "xray", "strong"]),
    default="xray",
    show_default=True,
    help="How --copies are changed: the presets of zoo.yaml, without mosaic and RICAP.",
)
@click.option(
    "--mosaic",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="N images of four, each at half its size. They mix people: hold out images by a val/ "
    "folder then, not by folds of OUT.",
)
@click.option(
    "--straighten",
    is_flag=True,
    help="An upright copy of each image whose labels lean further than --bent-from.",
)
@click.option(
    "--bend",
    is_flag=True,
    help="A copy of each other image that leans as one of those does.",
)
@click.option(
    "--bent-from",
    type=click.FloatRange(min=0, max=90, min_open=True),
    default=15.0,
    show_default=True,
    metavar="DEG",
    help="Angle between the long axis of all labelled pixels and that of most images.",
)
@click.option("--with-originals", is_flag=True, help="OUT also holds the images as they are.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def command(
    labelled: Path,
    out: Path,
    copies: int,
    augment: str,
    mosaic: int,
    straighten: bool,
    bend: bool,
    bent_from: float,
    with_originals: bool,
    seed: int,
) -> None:
    """Write changed copies of the folder LABELLED into the new folder OUT.

    Training changes images anew in every epoch by itself (augment in zoo.yaml); this is for what
    should be looked at first, or for other programs. A copy stays in the folder of its original, so
    that splits by person keep them together.

    \b
    Examples:
        ens augment train/ more/ --straighten --bend --with-originals
        ens augment train/ more/ --copies 3 --augment strong
        ens augment train/ mosaics/ --mosaic 500
    """
    from ensemble.data.datasets import open_labelled
    from models_zoo.copies.offline_copies import make_copies
    from models_zoo.copies.plan import CopyOptions
    from models_zoo.settings.augment_spec import AugmentSpec

    options = CopyOptions(
        changed=copies,
        mosaics=mosaic,
        straighten=straighten,
        bend=bend,
        bent_from_deg=bent_from,
        originals=with_originals,
        seed=seed,
    )
    spec = AugmentSpec.model_validate(augment)
    made = make_copies(open_labelled(labelled), out, options, spec, progress=console_progress)
    if mosaic:
        console_line("note: mosaics mix people; hold out images by a val/ folder, not by folds")
    kinds = ", ".join(f"{count} {kind}" for kind, count in made.kinds.items())
    click.echo(f"{out}: {counted(made.copies, 'image')} ({kinds})")
