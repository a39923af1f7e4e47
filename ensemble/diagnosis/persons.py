"""Scores by what a table of persons says: is the prediction worse for some of them?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.data.metadata import UNITS, Metadata
from ensemble.data.samples import Sample
from ensemble.evaluate import INTERVAL_LEVEL
from ensemble.intervals import SCORES, bootstrap_groups

UNKNOWN = "unknown"
_PARTS = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupScore:
    """The images (n,) that a column puts together, and their mean Dice.

    `low`, `high`: INTERVAL_LEVEL interval of the mean over persons, NaN for fewer than two.
    """

    column: str
    name: str
    images: NDArray[np.int64]
    num_persons: int
    dice: float
    low: float
    high: float


def score_groups(
    table: Metadata, samples: Sequence[Sample], dice: Floats, *, seed: int = 0
) -> tuple[GroupScore, ...]:
    """Mean Dice by every column; `dice` (N,) is that of each sample, over its classes.

    Numbers are cut at their quartiles over the images. Images whose person or cell is unknown come
    last in their column; a column that puts all images together says nothing and is left out.
    """
    rows = table.rows_of(samples)
    people = [sample.group for sample in samples]
    found = []
    for column, groups in _columns(table, rows):
        if len(groups) > 1:
            found += [
                _score(column, name, images, people, dice, seed) for name, images in groups.items()
            ]
    return tuple(found)


def _columns(
    table: Metadata, rows: NDArray[np.int64]
) -> Iterator[tuple[str, dict[str, NDArray[np.int64]]]]:
    """Each column with the indices of the images in each of its groups, none of them empty."""
    is_listed = rows >= 0
    for column, words in table.categories.items():
        told = [words[row] if row >= 0 else None for row in rows]
        names = sorted({word for word in told if word is not None})
        groups = {name: [i for i, word in enumerate(told) if word == name] for name in names}
        groups[UNKNOWN] = [i for i, word in enumerate(told) if word is None]
        yield column, _filled(groups)
    for column, numbers in table.numbers.items():
        values = np.where(is_listed, numbers[rows], np.nan)
        yield column, _filled(_parts(values, UNITS.get(column, "")))


def _parts(values: Floats, unit: str) -> dict[str, Sequence[int]]:
    """Images by the part that their value lies in, parts named by their ends; NaN is unknown."""
    known = np.flatnonzero(np.isfinite(values))
    groups: dict[str, Sequence[int]] = {}
    if len(known):
        cuts = np.unique(np.quantile(values[known], np.arange(1, _PARTS) / _PARTS))
        part = np.searchsorted(cuts, values[known], side="left")
        for number in np.unique(part):
            images = known[part == number]
            low, high = values[images].min(), values[images].max()
            span = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            groups[f"{span} {unit}".rstrip()] = images.tolist()
    groups[UNKNOWN] = np.flatnonzero(~np.isfinite(values)).tolist()
    return groups


def _filled(
    groups: dict[str, Sequence[int]] | dict[str, list[int]],
) -> dict[str, NDArray[np.int64]]:
    return {name: np.array(images, np.int64) for name, images in groups.items() if images}


def _score(
    column: str,
    name: str,
    images: NDArray[np.int64],
    people: Sequence[str],
    dice: Floats,
    seed: int,
) -> GroupScore:
    theirs = [people[i] for i in images]
    low = high = np.nan
    if len(set(theirs)) > 1:
        found = bootstrap_groups(
            dice[images, None], theirs, level=INTERVAL_LEVEL, seed=seed, limits=SCORES
        )
        low, high = float(found.low[0]), float(found.high[0])
    return GroupScore(column, name, images, len(set(theirs)), float(dice[images].mean()), low, high)
