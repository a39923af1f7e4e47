"""`ens inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ensemble.cli.options import json_option


@click.command(short_help="Show a member's manifest.")
@click.argument("member", type=click.Path(path_type=Path))
@json_option
def command(member: Path, as_json: bool) -> None:
    """Show the manifest of a MEMBER file: network, classes, input, how it was trained.

    \b
    Examples:
        ens inspect members/unet-resnet34-512.pt
        ens inspect --json members/unet-resnet34-512.pt
    """
    import yaml

    from ensemble.members.file import read_member

    stored = read_member(member)
    content = stored.manifest.model_dump(mode="json")
    content["sha256"] = stored.sha256
    if as_json:
        click.echo(json.dumps(content, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True).rstrip())
