"""`ens tune-weights`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ensemble.cli.console import console_line, console_progress
from ensemble.cli.options import (
    UserPath,
    cache_option,
    device_option,
    json_option,
    members_option,
    out_option,
    trained_groups_option,
)
from ensemble.cli.tables import print_table

if TYPE_CHECKING:
    from ensemble.fusion_space import FusionSpace
    from ensemble.tuning.result import TuningResult

_CANDIDATES = ("best_single", "uniform", "shared", "tuned")


_HOW_TO_READ = (
    "{metric} of each class on people that a fit did not see, by what weighs the members: the best "
    "single one alone; uniform: all the same; shared: one weight vector for all classes; tuned: "
    "weights and a threshold of the class's own; kept: what the file holds."
)


@click.command(short_help="Members + labelled images -> per-class.json.")
@click.argument("val", type=UserPath(path_type=Path), default=Path("val"))
@members_option
@out_option("per-class.json", "The weights file, with the evidence for each class.")
@click.option(
    "--tta",
    multiple=True,
    metavar="SPEC",
    help="Views as `ens predict --tta` takes them. May be repeated: the first is kept unless "
    "another surely gains; identity is the image as it is.",
)
@click.option(
    "--fuse",
    type=click.Choice(["prob", "logit"]),
    multiple=True,
    default=("prob",),
    show_default=True,
    help="Average probabilities or logits. May be repeated as --tta.",
)
@trained_groups_option
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@device_option
@cache_option
@click.option(
    "--metric",
    type=click.Choice(["dice", "iou", "pooled-dice", "pooled-iou"]),
    default="dice",
    show_default=True,
    help="What is graded: of each image and class, then averaged, or of the pixels of all images "
    "together (pooled).",
)
@click.option(
    "--raw-optimum",
    is_flag=True,
    help="Give every class its own optimum, also where that does not gain on people that the fit "
    "did not see. Expect less on new images.",
)
@click.option(
    "--max-members",
    type=click.IntRange(min=1),
    help="Take the best ensemble of so many members at most; with --out-of-fold the members of all "
    "folds of one name count as one.",
)
@click.option(
    "--budget-s",
    type=click.FloatRange(min=0, min_open=True),
    help="Take the best ensemble whose soft maps of an image take so many seconds at most, as "
    "measured when they were computed here.",
)
@click.option(
    "--out-of-fold",
    is_flag=True,
    help="VAL is the folder that the members were trained on, with split: {fold: all} in zoo.yaml: "
    "each answers only the images that it did not learn from.",
)
@click.option(
    "--match",
    type=UserPath(file_okay=False, path_type=Path),
    metavar="IMAGES",
    help="Weigh the labelled images so that they resemble those of a folder without labels, such "
    "as test/, in size, brightness and pose.",
)
@json_option
def command(
    val: Path,
    members: tuple[str, ...],
    out: Path,
    tta: tuple[str, ...],
    fuse: tuple[FusionSpace, ...],
    groups: str | None,
    folds: int,
    seed: int,
    device: str,
    cache: Path,
    metric: str,
    raw_optimum: bool,
    max_members: int | None,
    budget_s: float | None,
    out_of_fold: bool,
    match: Path | None,
    as_json: bool,
) -> None:
    """Tune weights and thresholds on the labelled folder VAL (default: val/).

    For each class the graded metric is maximised over member weights and a threshold. What does not
    win on people that it has not seen is not kept: the class then follows the simple rule.

    \b
    Examples:
        ens tune-weights
        ens tune-weights val/ --members a.pt,b.pt --tta hflip
        ens tune-weights --tta hflip --tta hflip,scale=1:1.25 --fuse prob --fuse logit
        ens tune-weights val/ --groups '^(ID[0-9]+)'
        ens tune-weights --budget-s 2.5
        ens tune-weights train/ --out-of-fold
        ens tune-weights val/ --match test/
    """
    from ensemble.metrics import METRICS
    from ensemble.tuning.member_choice import Limits
    from ensemble.tuning.tune_weights import TuningSettings, tune_weights
    from ensemble.tuning.variants import different_variants

    settings = TuningSettings(
        out=out,
        variants=different_variants(tta or ("",), fuse),
        groups=groups,
        num_folds=folds,
        seed=seed,
        device=device,
        cache=cache,
        metric=METRICS[metric],
        raw_optimum=raw_optimum,
        limits=Limits(max_members, budget_s),
        out_of_fold=out_of_fold,
        match=match,
    )
    result = tune_weights(val, members, settings, progress=console_progress, tell=console_line)
    if as_json:
        click.echo(out.read_text(encoding="utf-8").rstrip())
    else:
        _show(result)


def _show(result: TuningResult) -> None:
    from ensemble.tuning.evidence import class_evidence, overall_evidence
    from ensemble.tuning.notes import summary

    weights, shares = result.weights, result.source_weights
    evidence = class_evidence(result)
    rows = [
        [
            name,
            *_score_cells(evidence[name]),
            result.rule(name),
            _gain(evidence[name].get("gain_of_tuned")),
            " ".join(f"{weight:.2f}" for weight in shares[:, c]),
            f"{weights.thresholds[c]:.2f}",
            str(weights.filters[c]) if weights.filters else "-",
        ]
        for c, name in enumerate(weights.class_names)
    ]
    overall = overall_evidence(result)
    gain = overall["gains"].get("kept_over_best_single")
    rows.append(["mean", *_score_cells(overall), "", _gain(gain), "", "", ""])
    columns = [name.replace("_", " ") for name in (*_CANDIDATES, "kept")]
    header = [
        overall["metric"],
        *columns,
        "rule",
        "gain of tuned",
        "weights",
        "threshold",
        "filter",
    ]
    click.echo(_HOW_TO_READ.format(metric=overall["metric"]))
    click.echo()
    print_table(header, rows)
    click.echo()
    _show_members(overall["members"])
    click.echo()
    if len(overall["variants"]) > 1:
        _show_variants(overall["variants"])
        click.echo()
    for line in (f"Weights are of {', '.join(result.source_names)}.", *overall["notes"]):
        click.echo(line)
    if gain is not None:
        click.echo("The gain in the last row is that of what is kept over the best single member.")
    click.echo(f"{result.path}: {summary(result)}")
    click.echo(f"Next: ens predict --weights {result.path}")


def _show_members(entries: list[dict[str, Any]]) -> None:
    """A row a member: what it is worth alone, in the ensemble of all, and where it joins."""
    rows = [
        [
            entry["name"],
            f"{entry['alone']:.4f}",
            _gain(entry.get("loss_without")),
            *_joining_cells(entry),
            f"{entry['seconds_an_image']:.3f}",
            "yes" if entry["taken"] else "no",
        ]
        for entry in entries
    ]
    header = ["member", "alone", "uniform loses without it", "joins", "then", "s an image", "taken"]
    print_table(header, rows)


def _show_variants(entries: list[dict[str, Any]]) -> None:
    """A row for each of the views and spaces that were tried."""
    rows = [
        [
            entry["views"] or "identity",
            entry["space"],
            f"{entry['score']:.4f}",
            _gain(entry["gain"]),
            f"{entry['seconds_an_image']:.3f}",
            "yes" if entry["kept"] else "no",
        ]
        for entry in entries
    ]
    print_table(["views", "space", "uniform", "gain over the first", "s an image", "kept"], rows)


def _joining_cells(entry: dict[str, Any]) -> tuple[str, str]:
    if "joined" not in entry:
        return "-", "-"
    then = entry["score_then"]
    return str(entry["joined"]), f"{then['mean']:.4f} [{then['low']:.4f}, {then['high']:.4f}]"


def _score_cells(evidence: dict[str, Any]) -> list[str]:
    scores = evidence.get("score", {})
    names = (*_CANDIDATES, "kept")
    return [f"{scores[name]['mean']:.4f}" if name in scores else "-" for name in names]


def _gain(gain: dict[str, float] | None) -> str:
    if gain is None:
        return "-"
    return f"{gain['mean']:+.4f} [{gain['low']:+.4f},{gain['high']:+.4f}]"
