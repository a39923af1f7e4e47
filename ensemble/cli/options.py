"""Options that several commands share, so that they read and behave the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ensemble.runs.rle import Base

_Command = TypeVar("_Command", bound=Callable[..., Any])


class UserPath(click.Path):
    """A path in which "~" is the home folder, also where no shell replaced it: --out=~/masks."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path of what was typed."""
        value = os.path.expanduser(value)  # noqa: PTH111 - that of Path raises for ~nobody
        return super().convert(value, param, ctx)


members_option = click.option(
    "--members",
    multiple=True,
    metavar="A,B",
    help="Member files: a comma list, globs, folders; a name that is no file here is looked up in "
    "members/. May be repeated. By default all of members/.",
)

device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="auto (CUDA where there is one), cpu, cuda, cuda:1, ...",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON for a program to read."
)

tta_option = click.option(
    "--tta",
    metavar="SPEC",
    help="Views whose soft maps are averaged: the product of hflip, vflip, transpose, rot90, d4, "
    "scale=0.75:1:1.25, brightness=0.9:1:1.1, contrast=0.8:1:1.2, separated by commas. Mirrored "
    "views swap the classes of mirror_pairs.",
)

rle_order_option = click.option(
    "--rle-order",
    type=click.Choice(["row", "column"]),
    default="row",
    show_default=True,
    help="Whether runs count pixels along rows or along columns.",
)

rle_base_option = click.option(
    "--rle-base",
    type=click.Choice(["0", "1"]),
    default="1",
    show_default=True,
    help="What the first pixel is called in runs.",
)


def parse_base(text: str) -> Base:
    """The base of runs that --rle-base names."""
    return 1 if text == "1" else 0


def out_option(default: str, meaning: str) -> Callable[[_Command], _Command]:
    """--out, the file that a command writes."""
    return click.option(
        "--out",
        type=UserPath(dir_okay=False, path_type=Path),
        default=Path(default),
        show_default=True,
        help=meaning,
    )


metadata_option = click.option(
    "--metadata",
    type=UserPath(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A CSV or xlsx table of persons, with a column ID. By default metadata or meta_data "
    "beside or above the data.",
)


def groups_option(default: str) -> Callable[[_Command], _Command]:
    """--groups, which images are of one person; `default` says what counts without it."""
    return click.option(
        "--groups",
        metavar="REGEX",
        help="Which images are of one person: a regular expression searched in image paths, whose "
        f"first group or whole match names the person. By default {default}.",
    )


trained_groups_option = groups_option(
    "what the members were trained with (groups of zoo.yaml), without that the folder that an "
    "image lies in, else every image is its own"
)

cache_option = click.option(
    "--cache",
    type=UserPath(file_okay=False, path_type=Path),
    default=Path(".ens-cache"),
    show_default=True,
    help="Folder of soft maps, written once for each member, image and set of views; an "
    "interrupted run goes on from them. May be deleted at any time.",
)
