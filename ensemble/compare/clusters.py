"""Which files group together: the most alike join first (average linkage)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Merger:
    """Two groups of files that join, and the mean Dice between them."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    dice: float


def mergers(matrix: NDArray[np.float64]) -> list[Merger]:
    """How files (F, F) group, the most alike first: by the mean Dice between groups."""
    groups: list[tuple[int, ...]] = [(f,) for f in range(len(matrix))]
    found = []
    while len(groups) > 1:
        alike, a, b = max(
            (float(matrix[np.ix_(groups[i], groups[j])].mean()), i, j)
            for i, j in combinations(range(len(groups)), 2)
        )
        found.append(Merger(groups[a], groups[b], alike))
        joined = groups[a] + groups[b]
        groups = [group for k, group in enumerate(groups) if k not in (a, b)] + [joined]
    return found


def alike_groups(joins: Sequence[Merger], least_dice: float) -> list[tuple[int, ...]]:
    """The largest groups that have joined at a Dice of `least_dice` or more."""
    groups: list[tuple[int, ...]] = []
    for join in joins:
        if join.dice >= least_dice:
            kept = [group for group in groups if group not in (join.first, join.second)]
            groups = [*kept, join.first + join.second]
    return groups


def merger_text(merger: Merger, names: Sequence[str]) -> str:
    """How two groups of files join, in a sentence."""
    first, second = (group_text(group, names) for group in (merger.first, merger.second))
    return f"{first} and {second} join at a Dice of {merger.dice:.4f}."


def group_text(group: Sequence[int], names: Sequence[str]) -> str:
    """The names of a group."""
    return " + ".join(names[f] for f in group)
