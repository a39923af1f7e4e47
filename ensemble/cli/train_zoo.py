"""`ens train-zoo`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensemble.cli.console import console_progress
from ensemble.cli.durations import format_duration
from ensemble.cli.options import UserPath, json_option
from ensemble.cli.tables import print_table
from ensemble.cli.training_table import TrainingTable
from ensemble.wording import counted

if TYPE_CHECKING:
    from ensemble.progress import Progress
    from models_zoo.jobs.leaderboard import Standing
    from models_zoo.jobs.reporter import Reporter
    from models_zoo.jobs.training_plan import MemberPlan
    from models_zoo.training.epoch_result import EpochResult


class TrainingLines:
    """Says what happens to the members, a line an epoch, on stderr."""

    def note(self, member: str, text: str) -> None:
        """A fact about a member as a whole."""
        click.echo(f"{member}: {text}", err=True)

    def epoch(self, result: EpochResult) -> None:
        """An epoch that has ended."""
        score = "" if result.val_dice is None else f"  val Dice {result.val_dice:.4f}"
        click.echo(
            f"{result.member}: epoch {result.epoch}/{result.num_epochs}  "
            f"loss {result.train_loss:.4f}{score}  {result.seconds:.1f} s"
            f"{'  best' if result.is_best else ''}",
            err=True,
        )


@contextmanager
def _reporting() -> Iterator[tuple[Reporter, Progress]]:
    """A live table on a terminal, else lines."""
    if not sys.stderr.isatty():
        yield TrainingLines(), console_progress
        return
    with TrainingTable() as table:
        yield table, table.progress


def _print_example(context: click.Context, option: click.Parameter, value: bool) -> None:
    del option
    if value:
        from models_zoo.settings.example_file import EXAMPLE

        click.echo(EXAMPLE, nl=False)
        context.exit()


def _print_schema(context: click.Context, option: click.Parameter, value: bool) -> None:
    del option
    if value:
        from models_zoo.settings.schema import zoo_schema

        click.echo(json.dumps(zoo_schema(), indent=1))
        context.exit()


@click.command(short_help="zoo.yaml -> members and a leaderboard.")
@click.argument("zoo_file", type=UserPath(path_type=Path), default=Path("zoo.yaml"))
@click.option(
    "--members-dir",
    type=UserPath(file_okay=False, path_type=Path),
    help="Where members and leaderboard.csv go. By default members/ beside ZOO_FILE.",
)
@click.option(
    "--only",
    metavar="A,B",
    default="",
    help="Train just these members, by name: of all folds, or with its own name that of one.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="A,B",
    help="auto (every GPU, else the CPU), cpu, cuda, cuda:1, ...; on several, separated by commas, "
    "members are trained side by side.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Train nothing: measure a few steps of each member, and say what all of them would take.",
)
@click.option(
    "--preview",
    type=UserPath(dir_okay=False, path_type=Path),
    metavar="PICTURE",
    help="Train nothing: draw what each member would see, augmented and with labels.",
)
@json_option
@click.option(
    "--example",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_example,
    help="Print a commented zoo.yaml to start from, and exit.",
)
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON schema of zoo files, for editors, and exit.",
)
def command(
    zoo_file: Path,
    members_dir: Path | None,
    only: str,
    device: str,
    dry_run: bool,
    preview: Path | None,
    as_json: bool,
) -> None:
    """Train the members of ZOO_FILE (default: zoo.yaml) into member files and a leaderboard.

    A run that was stopped goes on where it was; finished members are not trained again unless their
    settings or the data changed.

    \b
    Examples:
        ens train-zoo --example > zoo.yaml
        ens train-zoo zoo.yaml --preview preview.webp
        ens train-zoo zoo.yaml --dry-run
        ens train-zoo zoo.yaml
        ens train-zoo zoo.yaml --only unet-resnet34-512 --device cuda:1
        ens train-zoo zoo.yaml --device cuda:0,cuda:1
    """
    from models_zoo.train_zoo import train_zoo

    names = [name.strip() for name in only.split(",") if name.strip()]
    if preview is not None:
        _draw_preview(zoo_file, preview, members_dir, names)
        return
    if dry_run:
        _show_plan(zoo_file, members_dir, names, device=device, as_json=as_json)
        return
    with _reporting() as (reporter, progress):
        try:
            training = train_zoo(
                zoo_file,
                out=members_dir,
                device=device,
                only=names,
                reporter=reporter,
                progress=progress,
            )
        except KeyboardInterrupt:
            click.echo("stopped: the same command goes on from the last whole epoch", err=True)
            raise
    if as_json:
        click.echo(json.dumps(asdict(training), default=str))
    elif training.standings:
        _print_standings(training.standings)
    if training.failed:
        raise click.ClickException(_list_failed(training.failed, "could not"))


def _list_failed(failed: Mapping[str, str], verb: str) -> str:
    """Members with why they were not or cannot be trained; a line each where there are several."""
    reasons = [f"{name}: {reason.removeprefix(f'{name}: ')}" for name, reason in failed.items()]
    between = " " if len(reasons) == 1 else "\n  "
    return between.join([f"{counted(len(failed), 'member')} {verb} be trained:", *reasons])


def _draw_preview(
    zoo_file: Path, preview: Path, members_dir: Path | None, names: Sequence[str]
) -> None:
    from models_zoo.jobs.preview import preview_zoo

    rows = preview_zoo(
        zoo_file, preview, members_dir=members_dir, only=names, progress=console_progress
    )
    click.echo(
        f"{preview}: {counted(rows, 'row')}, of each kind of member an image as it is "
        "and others as they are changed"
    )


def _show_plan(
    zoo_file: Path, members_dir: Path | None, names: Sequence[str], *, device: str, as_json: bool
) -> None:
    from models_zoo.jobs.training_plan import plan_zoo

    plan = plan_zoo(zoo_file, out=members_dir, device=device, only=names, progress=console_progress)
    if as_json:
        click.echo(json.dumps(asdict(plan) | {"total_s": plan.total_s}, default=str))
        return
    columns = ["member", "input", "parameters", "batch", "memory"]
    columns += ["epochs", "steps", "s/step", "time"]
    print_table(columns, [_plan_cells(member) for member in plan.members])
    images = f"{counted(plan.train_images, 'image')} to learn from, {plan.val_images} held out"
    faults = {member.member: member.fault for member in plan.members if member.fault}
    if plan.total_s:
        click.echo(
            f"{images}; on {', '.join(plan.devices)} about {format_duration(plan.total_s)} in all, "
            f"into {plan.folder}."
        )
        click.echo("Measured on a few steps of each; beside other work it takes longer.")
    else:
        click.echo(f"{images}.")
    if faults:
        raise click.ClickException(_list_failed(faults, "cannot"))


def _plan_cells(member: MemberPlan) -> list[str]:
    from ensemble.byte_sizes import format_bytes

    if member.finished or member.fault:
        why = "is trained" if member.finished else "cannot be trained"
        return [member.member, member.size, "", "", "", "", "", "", why]
    shared = f" on {member.devices}" if member.devices > 1 else ""
    return [
        member.member,
        member.size,
        f"{member.parameters / 1e6:.1f} M",
        f"{member.batch}{shared}",
        format_bytes(member.peak_bytes) if member.peak_bytes else "?",
        str(member.epochs),
        str(member.steps),
        f"{member.step_s:.2f}",
        format_duration(member.total_s),
    ]


def _print_standings(standings: Sequence[Standing]) -> None:
    columns = ("member", "val Dice", "parameters", "epochs", "train s", "ms/image")
    print_table(
        columns,
        [
            (
                row.member,
                f"{row.val_dice:.4f}",
                f"{row.parameters / 1e6:.1f} M",
                f"{row.epochs} (best {row.best_epoch})",
                f"{row.train_s:.0f}",
                f"{row.ms_per_image:.1f}",
            )
            for row in standings
        ],
    )
