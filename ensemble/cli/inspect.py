"""`ens inspect`."""

from __future__ import annotations

import json

import click

from ensemble.cli.options import json_option


@click.command(short_help="Show a member's manifest.")
@click.argument("member")
@json_option
def command(member: str, as_json: bool) -> None:
    """Show the manifest of MEMBER: network, classes, input, how it was trained.

    MEMBER is a file, a glob, a folder or a name in members/, as --members of ens predict takes it.
    Several members follow each other: YAML documents, or with --json one object a line.

    \b
    Examples:
        ens inspect unet-resnet34-512
        ens inspect --json members/unet-resnet34-512.pt
        ens inspect members/
    """
    import yaml

    from ensemble.members.file import read_member
    from ensemble.members.roster import find_members

    for number, path in enumerate(find_members([member])):
        stored = read_member(path)
        content = stored.manifest.model_dump(mode="json") | {"sha256": stored.sha256}
        if as_json:
            click.echo(json.dumps(content, ensure_ascii=False))
            continue
        if number:
            click.echo("---")
        click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True).rstrip())
