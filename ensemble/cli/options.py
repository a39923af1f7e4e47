"""Options that several commands share, so that they read and behave the same."""

from __future__ import annotations

import click

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
