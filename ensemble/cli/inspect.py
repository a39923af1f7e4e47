"""`ens inspect`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from ensemble.cli.options import json_option
from ensemble.cli.tables import print_table

if TYPE_CHECKING:
    from ensemble.members.manifest import Manifest

_COLUMNS = ("member", "network", "input", "classes", "val Dice", "parameters", "ms/image")
# Of the training, in the order of the columns, with their formats.
_TOLD = (("val_dice", ".4f"), ("parameters", ",d"), ("ms_per_image", ".1f"))


@click.command(short_help="Show a member's manifest, or a table of several.")
@click.argument("member")
@json_option
def command(member: str, as_json: bool) -> None:
    """Show the manifest of MEMBER: network, classes, input, how it was trained.

    MEMBER is a file, a glob, a folder or a name in members/, as --members of ens predict takes it.
    Of several a table is shown, or with --json the manifests, one object a line.

    \b
    Examples:
        ens inspect members/
        ens inspect unet-resnet34-512
        ens inspect --json members/unet-resnet34-512.pt
    """
    from ensemble.members.file import read_member
    from ensemble.members.roster import find_members

    paths = find_members([member])
    files = map(read_member, paths)  # one at a time: their weights take memory
    if len(paths) > 1 and not as_json:
        print_table(_COLUMNS, [_cells(each.manifest) for each in files])
        return
    for each in files:
        content = each.manifest.model_dump(mode="json") | {"sha256": each.sha256}
        if as_json:
            click.echo(json.dumps(content, ensure_ascii=False))
        else:
            click.echo(_as_text(content))


def _as_text(content: dict[str, Any]) -> str:
    """YAML with lists on lines of their own: 29 classes are not 29 lines."""
    import yaml

    text = yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100
    )
    return text.rstrip()


def _cells(manifest: Manifest) -> list[str]:
    """A row; what a member does not tell of its training, as an adopted one, is "-"."""
    network, training = manifest.network, manifest.training
    return [
        manifest.name,
        " ".join(filter(None, (network.arch, network.encoder))),
        manifest.input.text,
        str(len(manifest.class_list)),
        *(_number(training.get(key), how) for key, how in _TOLD),
    ]


def _number(told: object, how: str) -> str:
    return format(told, how) if isinstance(told, int | float) else "-"
