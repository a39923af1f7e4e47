"""`ens report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ensemble.cli.console import console_line, console_progress
from ensemble.cli.options import (
    UserPath,
    cache_option,
    device_option,
    json_option,
    members_option,
    trained_groups_option,
)
from ensemble.cli.tables import print_table

if TYPE_CHECKING:
    from ensemble.appraisal.appraisal import Appraisal

_SHOWN = 10


@click.command(short_help="What the parts of an ensemble are worth; what to review.")
@click.argument("labelled", type=UserPath(path_type=Path), default=Path("val"))
@members_option
@click.option(
    "--weights",
    type=UserPath(dir_okay=False, path_type=Path),
    help="per-class.json of ens tune-weights. By default the one that lies here, else all members "
    "weigh the same, threshold .5.",
)
@click.option(
    "--tta",
    multiple=True,
    metavar="SPEC",
    help="Also score these views, as `ens predict --tta` takes them; identity is the image as it "
    "is. May be repeated. The page itself is about the views of the weights.",
)
@click.option(
    "--review",
    type=UserPath(file_okay=False, path_type=Path),
    metavar="IMAGES",
    help="A folder without labels, such as test/: its images are ranked by the Dice that is "
    "predicted of them.",
)
@trained_groups_option
@device_option
@cache_option
@click.option(
    "--out-of-fold",
    is_flag=True,
    help="LABELLED is the folder that the members were trained on, with split: {fold: all} in "
    "zoo.yaml: each answers only the images that it did not learn from.",
)
@click.option(
    "--out",
    type=UserPath(file_okay=False, path_type=Path),
    default=Path("report"),
    show_default=True,
    help="The folder of the page and its tables.",
)
@json_option
def command(
    labelled: Path,
    members: tuple[str, ...],
    weights: Path | None,
    tta: tuple[str, ...],
    review: Path | None,
    groups: str | None,
    device: str,
    cache: Path,
    out_of_fold: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Write a page about the ensemble on the folder LABELLED (default: val/).

    What each member scores and adds, how alike they are, weights and thresholds with their
    evidence, calibration, Dice against time, and which images to review first.

    \b
    Examples:
        ens report
        ens report val/ --weights per-class.json --review test/
        ens report val/ --members a.pt,b.pt --tta identity --tta hflip
    """
    from ensemble.appraisal.appraise_folder import ReportSettings, appraise_folder
    from ensemble.appraisal.page import write_appraisal
    from ensemble.report.page import check_page_folder

    check_page_folder(out, kind="ensemble")
    settings = ReportSettings(
        weights=weights,
        views=tta,
        review=review,
        groups=groups,
        device=device,
        cache=cache,
        out_of_fold=out_of_fold,
    )
    found, evidence = appraise_folder(
        labelled, members, settings, progress=console_progress, tell=console_line
    )
    page = write_appraisal(out, found, evidence, progress=console_progress)
    if as_json:
        click.echo(json.dumps(_content(found, page), ensure_ascii=False))
    else:
        _show(found)
        click.echo(f"\n{page}")


def _content(found: Appraisal, page: Path) -> dict[str, object]:
    import numpy as np

    from ensemble.appraisal.tables import member_table

    content, doubt = member_table(found), found.review or found.doubt
    return {
        "dice": float(found.dice.mean()),
        "members": [dict(zip(content.header, row, strict=True)) for row in content.rows],
        "agreement": found.agreement.tolist(),
        "predicted_dice": {
            sample.name: float(value)
            for sample, value in zip(doubt.samples, doubt.predicted.mean(axis=1), strict=True)
        },
        "unlike_labelled": [doubt.samples[i].name for i in np.flatnonzero(doubt.is_unlike)],
        "page": str(page),
    }


def _show(found: Appraisal) -> None:
    from ensemble.appraisal.sections.review import trust_text, unlike_text
    from ensemble.appraisal.tables import doubt_table, member_table

    doubtful = doubt_table(found, found.review or found.doubt, "review")
    for content, most in ((member_table(found), None), (doubtful, _SHOWN)):
        print_table(content.header, content.shown_rows()[:most])
        click.echo()
    if found.review is not None and (unlike := unlike_text(found.review)):
        click.echo(f"{unlike} They come first, then the most doubtful. {trust_text(found)}")
    else:
        click.echo(f"Images are the most doubtful first. {trust_text(found)}")
