"""Dice on a labelled test folder of each member, of all together, with views, and tuned.

    python scripts/bench/ensemble_table.py FOLDER [--tta hflip]

FOLDER holds members/, per-class.json and a labelled test/, as the three commands leave it; its
members are those of the weights. Prints a markdown table with 95 % intervals over groups (people),
and as its last line JSON. Views are shown with the class swap of mirror_pairs and, where there are
such pairs, without it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ensemble.data.datasets import LabelledFolder, open_images, open_labelled
from ensemble.evaluate import Scores, evaluate
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.weights import match_members, uniform_weights
from ensemble.fusion.weights_file import read_weights
from ensemble.members.member import Member
from ensemble.members.roster import choose_device, find_members, load_members
from ensemble.predict import predict


def ensembles(
    members: Sequence[Member], weights: Path, views: str
) -> Iterator[tuple[str, Ensemble]]:
    """The rows of the table."""
    for member in members:
        yield member.name, Ensemble([member], uniform_weights([member]))
    uniform = uniform_weights(members)
    yield "uniform", Ensemble(members, uniform)
    yield f"uniform + {views}", Ensemble(members, uniform, views=views)
    if any(member.manifest.class_list.mirror_pairs for member in members):
        plain = [without_pairs(member) for member in members]
        yield f"uniform + {views}, classes not swapped", Ensemble(plain, uniform, views=views)
    tuned = read_weights(weights)
    ordered = match_members(tuned, members)
    yield f"tuned, views {tuned.views or 'none'}", Ensemble(ordered, replace(tuned, filters=()))
    if tuned.filters:
        yield "the same with filters", Ensemble(ordered, tuned)


def without_pairs(member: Member) -> Member:
    """The member as if left and right had the same names."""
    manifest = member.manifest.model_copy(
        update={"classes": {**member.manifest.classes, "mirror_pairs": []}}
    )
    return Member(manifest, member.network, device=member.device, sha256=member.sha256)


def score(ensemble: Ensemble, folder: Path, labelled: LabelledFolder) -> Scores:
    """Predict the test folder and score it."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "predictions.csv"
        predict(ensemble, open_images(folder), out)
        return evaluate(out, labelled)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tta", default="hflip")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    folder, test = options.folder, options.folder / "test"
    names = read_weights(folder / "per-class.json").members
    paths = find_members(names, folder / "members")
    members = load_members(paths, choose_device(options.device))
    labelled = open_labelled(test)
    rows = []
    print("| what | Dice | 95 % interval |\n| --- | --- | --- |")
    for name, ensemble in ensembles(members, folder / "per-class.json", options.tta):
        scores = score(ensemble, test, labelled)
        interval = scores.mean_interval()
        span = f"{interval.low[0]:.4f} to {interval.high[0]:.4f}" if interval else ""
        print(f"| {name} | {scores.mean:.4f} | {span} |", flush=True)
        rows.append({"name": name, "dice": scores.mean})
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
