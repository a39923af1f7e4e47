"""How the areas of classes go with what a table says of persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import Sample
from ensemble.data.metadata import Metadata
from ensemble.ranks import rank_correlation, ranks

# A column that is known of fewer persons than this says nothing of areas.
LEAST_PERSONS = 10
_NUM_SHUFFLES = 200
_CHANCE = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Persons:
    """The P persons of a table that have images here: rows of the table, and mean areas (P, C).

    Areas are shares of the image, averaged over the images that hold the class; NaN where none
    does. `num_images` (P,). `unknown`: groups without a row; `unused`: IDs without an image.
    """

    rows: NDArray[np.int64]
    num_images: NDArray[np.int64]
    areas: Floats
    unknown: tuple[str, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """One column and the areas (C,) of every class.

    `strength` (C,): for numbers Spearman's rank correlation, -1..1; for categories the square root
    of the share of the ranks' variance that the category explains, 0..1. NaN where fewer than
    LEAST_PERSONS are known. `chance`: what the strongest of all classes exceeds in one of twenty
    shuffles of persons.
    """

    column: str
    strength: Floats
    chance: float

    @property
    def is_known(self) -> bool:
        """Whether enough persons are known for the strength of any class."""
        return bool(np.isfinite(self.strength).any())


def join_persons(
    table: Metadata, samples: Sequence[Sample], area_share: NDArray[np.float64]
) -> Persons:
    """Bring areas (N, C) of images, 0 where a class is absent, to the persons of a table."""
    row_of = table.rows_of(samples)
    rows, members = np.unique(row_of[row_of >= 0], return_inverse=True)
    areas = area_share[row_of >= 0]
    sums, counts = np.zeros((2, len(rows), area_share.shape[1]))
    np.add.at(sums, members, areas)
    np.add.at(counts, members, areas > 0)
    unknown = {sample.group for sample, row in zip(samples, row_of, strict=True) if row < 0}
    used = set(rows.tolist())
    return Persons(
        rows=rows,
        num_images=np.bincount(members, minlength=len(rows)),
        areas=sums / np.where(counts == 0, np.nan, counts),
        unknown=tuple(sorted(unknown)),
        unused=tuple(name for row, name in enumerate(table.ids) if row not in used),
    )


def relate(table: Metadata, persons: Persons) -> list[Relation]:
    """Every column of a table against the areas of every class."""
    codes: dict[str, tuple[Floats, bool]] = {
        name: (values[persons.rows], False) for name, values in table.numbers.items()
    }
    for name, words in table.categories.items():
        codes[name] = (_codes([words[row] for row in persons.rows]), True)
    return [
        _relation(name, values, persons.areas, is_category)
        for name, (values, is_category) in codes.items()
    ]


def _codes(words: Sequence[str | None]) -> Floats:
    """A number for every word; NaN for None."""
    number = {word: float(i) for i, word in enumerate(sorted({w for w in words if w is not None}))}
    return np.array([np.nan if word is None else number[word] for word in words])


def _relation(name: str, values: Floats, areas: Floats, is_category: bool) -> Relation:
    strength = _strengths(values, areas, is_category)
    if not np.isfinite(strength).any():
        return Relation(name, strength, float("nan"))
    rng = np.random.default_rng(0)
    shuffled = [
        np.nanmax(np.abs(_strengths(rng.permutation(values), areas, is_category)), initial=0.0)
        for _ in range(_NUM_SHUFFLES)
    ]
    return Relation(name, strength, float(np.quantile(shuffled, _CHANCE)))


def _strengths(values: Floats, areas: Floats, is_category: bool) -> Floats:
    return np.array([strength(values, column, is_category=is_category) for column in areas.T])


def strength(values: Floats, areas: Floats, *, is_category: bool) -> float:
    """As in `Relation`, of one class over the persons of whom both are known."""
    known = np.isfinite(values) & np.isfinite(areas)
    if known.sum() < LEAST_PERSONS:
        return float("nan")
    if not is_category:
        return float(np.nan_to_num(rank_correlation(values[known], areas[known])))
    heights = ranks(areas[known])
    codes = values[known].astype(np.int64)
    sizes = np.bincount(codes)
    means = np.bincount(codes, heights) / np.maximum(sizes, 1)
    between = float((sizes * (means - heights.mean()) ** 2).sum())
    total = float(((heights - heights.mean()) ** 2).sum())
    return float(np.sqrt(between / total)) if total else 0.0
