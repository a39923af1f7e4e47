"""`ens`: finds the command, and turns stated errors into one line and exit code 1."""

from __future__ import annotations

from importlib import import_module

import click

from ensemble import __version__
from ensemble.errors import EnsError

# Each module holds one click command named `command`; it is imported when it is asked for.
COMMANDS = {
    "demo": "ensemble.cli.demo",
    "make-phantom": "ensemble.cli.make_phantom",
    "explore": "ensemble.cli.explore",
    "augment": "ensemble.cli.augment",
    "train-zoo": "ensemble.cli.train_zoo",
    "adopt": "ensemble.cli.adopt",
    "inspect": "ensemble.cli.inspect",
    "tune-weights": "ensemble.cli.tune_weights",
    "report": "ensemble.cli.report",
    "predict": "ensemble.cli.predict",
    "evaluate": "ensemble.cli.evaluate",
    "vote": "ensemble.cli.vote",
    "compare": "ensemble.cli.compare",
}


class Commands(click.Group):
    """A group whose commands are imported on demand, in the order of a working day."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an EnsError becomes its one line on stderr and exit code 1."""
        try:
            return super().invoke(ctx)
        except EnsError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="ens-segmentation")
def main() -> None:
    """The best masks out of several segmentation models.

    \b
    In a folder that holds zoo.yaml, train/, val/ and test/:
        ens train-zoo zoo.yaml
        ens tune-weights val/
        ens predict --members a.pt,b.pt --weights per-class.json
    """
