"""What stands out in a diagnosis, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ensemble.diagnosis.diagnosis import Diagnosis
from ensemble.diagnosis.tables import (
    verdict_shares,
    worst_classes,
    worst_images,
)
from ensemble.errors import few
from ensemble.intervals import known_mean
from ensemble.report.blocks import Remark
from ensemble.wording import counted

# Overlaps are worth a word if they are right so much less often than all pixels.
_LESS_RIGHT = 0.05
# Of fewer persons an interval says little.
_LEAST_PERSONS = 5


def take_notes(found: Diagnosis) -> list[Remark]:
    """Remarks, the heaviest first."""
    notes = [*_whole_masks(found), *_lowest(found), *_confused(found)]
    return [*notes, *_overlaps(found), *_persons(found)]


def _whole_masks(found: Diagnosis) -> Iterator[Remark]:
    """Masks that are missed whole or invented."""
    is_predicted, is_true = found.counts[..., 0] > 0, found.counts[..., 2] > 0
    for wrong, one, many in (
        (is_true & ~is_predicted, "mask is missed whole", "masks are missed whole"),
        (is_predicted & ~is_true, "mask is of a class that is not there",
         "masks are of classes that are not there"),
    ):  # fmt: skip
        if wrong.any():
            names = [found.scores.class_names[c] for c in np.flatnonzero(wrong.any(axis=0))]
            text = f"{counted(int(wrong.sum()), one, many)}: {few(names)}."
            yield Remark("wrong", text, "classes")


def _lowest(found: Diagnosis) -> Iterator[Remark]:
    """The lowest class and image."""
    scores = found.scores
    if (scores.dice == 1).all():
        yield Remark("fact", "Every mask is right to the pixel.", "classes")
        return
    c, i = worst_classes(found)[0], worst_images(found)[0]
    precision, recall = known_mean(found.precision)[c], known_mean(found.recall)[c]
    text = f"{scores.class_names[c]} has the lowest Dice, {scores.per_class[c]:.4f}"
    if np.isfinite([precision, recall]).all():
        text += f": precision {precision:.4f}, recall {recall:.4f}"
    yield Remark("look", f"{text}.", "worst-classes")
    text = f"{scores.image_names[i]} has the lowest Dice, {scores.dice[i].mean():.4f}."
    yield Remark("look", text, "worst-images")


def _confused(found: Diagnosis) -> Iterator[Remark]:
    """The pair of classes with the most pixels."""
    last = len(found.scores.class_names)
    between = found.confusion[:last, :last].copy()
    np.fill_diagonal(between, 0)
    if between.any():
        names = found.scores.class_names
        a, b = np.unravel_index(int(between.argmax()), between.shape)
        share = between[a, b] / found.counts[:, a, 2].sum()
        text = f"{100 * share:.2f} % of {names[a]} is predicted as {names[b]}."
        yield Remark("look", text, "confusion")


def _overlaps(found: Diagnosis) -> Iterator[Remark]:
    """Where overlaps are right much less often."""
    everywhere, overlaps = verdict_shares(found.verdicts.sum(axis=0))[:, 0]
    if overlaps < everywhere - _LESS_RIGHT:
        text = (
            f"Of the pixels of two classes or more {100 * overlaps:.1f} % are right, of all that "
            f"have a class {100 * everywhere:.1f} %."
        )
        yield Remark("look", text, "errors")


def _persons(found: Diagnosis) -> Iterator[Remark]:
    """A table that is not used, and groups whose interval lies below the mean of all images."""
    if found.unused_metadata is not None:
        yield Remark("look", f"{found.unused_metadata}.", "images")
    for group in found.by_person or ():
        if group.num_persons >= _LEAST_PERSONS and group.high < found.scores.mean:
            text = (
                f"{group.column} {group.name}: Dice {group.dice:.4f} ({group.low:.4f} to "
                f"{group.high:.4f}), below the mean of {found.scores.mean:.4f}."
            )
            yield Remark("look", text, "persons")
