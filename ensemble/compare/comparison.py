"""Prediction files against each other: Dice of every pair, on every image and class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import ImageFolder
from ensemble.data.labels.pairing import pair_names
from ensemble.errors import ConfigError
from ensemble.progress import Progress, silent
from ensemble.runs.joined_tables import JoinedTables, Missing, join_tables
from ensemble.runs.rle import Base, area
from ensemble.runs.run_algebra import dice

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """F files, N images, C classes in the order of the first file that has them.

    `dice` (P, N, C): of each of `pairs` (P of two file numbers), NaN where an image lacks the class
    in all files; both empty is 1. `areas_px` (F, N, C), 0 there. `image_files`: by image name, None
    where no images were given.
    """

    joined: JoinedTables
    names: tuple[str, ...]
    image_names: tuple[str, ...]
    class_names: tuple[str, ...]
    pairs: tuple[tuple[int, int], ...]
    dice: Floats
    areas_px: NDArray[np.int64]
    image_files: Mapping[str, Path] | None = None

    @property
    def matrix(self) -> Floats:
        """(F, F): mean Dice of two files over images and classes, 1 with themselves."""
        found = np.eye(len(self.names))
        for (a, b), values in zip(self.pairs, self.dice, strict=True):
            found[a, b] = found[b, a] = np.nanmean(values)
        return found

    @property
    def of_masks(self) -> Floats:
        """(N, C): mean over pairs, NaN where there is no such row."""
        return np.asarray(self.dice.mean(axis=0))

    @property
    def with_others(self) -> Floats:
        """(F,): mean Dice of a file with the others."""
        others = np.where(np.eye(len(self.names)), 0.0, self.matrix)
        return np.asarray(others.sum(axis=1) / (len(self.names) - 1))

    @property
    def of_classes(self) -> Floats:
        """(C,): mean over pairs and images."""
        return np.asarray(np.nanmean(self.dice, axis=(0, 1)))

    @property
    def of_images(self) -> Floats:
        """(N,): mean over pairs and classes."""
        return np.asarray(np.nanmean(self.dice, axis=(0, 2)))

    @property
    def least(self) -> Floats:
        """(N, C): Dice of the two files that differ most, NaN where there is no such row."""
        least = np.min(np.where(np.isnan(self.dice), np.inf, self.dice), axis=0)
        return np.asarray(np.where(np.isinf(least), np.nan, least))

    def furthest(self, image: int, class_index: int) -> tuple[int, int]:
        """The two files that differ most on a mask."""
        return self.pairs[int(self.dice[:, image, class_index].argmin())]

    def most_different(self, count: int) -> list[tuple[int, int]]:
        """(image, class) whose masks differ most: the worst of every class, then the next, ..."""
        means = np.where(np.isnan(self.of_masks), 1.0, self.of_masks)
        ranks = means.argsort(axis=0, kind="stable").argsort(axis=0)
        places = [(int(n), int(c)) for n, c in np.argwhere(means < 1)]
        chosen = sorted(places, key=lambda place: (int(ranks[place]), float(means[place])))[:count]
        return sorted(chosen, key=lambda place: float(means[place]))


def compare_files(
    paths: Sequence[Path],
    *,
    base: Base = 1,
    missing: Missing = "refuse",
    images: ImageFolder | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Compare two files or more; memory is 8 bytes a pair, image and class.

    Raises ConfigError for fewer files, and what `join_tables` raises; DataError for `images` that
    are not those of the files.
    """
    if len(paths) < 2:
        raise ConfigError("nothing to compare with", expected="two files or more", got=len(paths))
    joined = join_tables(paths, base=base, missing=missing)
    image_files = None
    if images is not None:
        samples = {sample.name: sample.image for sample in images.samples}
        meant = pair_names(paths[0], images.samples, joined.classes_of, what="prediction")
        image_files = {name: samples[sample] for name, sample in meant.items()}
    image_names = tuple(joined.classes_of)
    classes = tuple(dict.fromkeys(c for names in joined.classes_of.values() for c in names))
    number = {name: c for c, name in enumerate(classes)}
    pairs = tuple(combinations(range(len(paths)), 2))
    found = np.full((len(pairs), len(image_names), len(classes)), np.nan)
    areas = np.zeros((len(paths), len(image_names), len(classes)), np.int64)
    with progress("comparing", len(image_names)) as advance:
        for n, image_name in enumerate(image_names):
            for class_name, masks in joined.masks(image_name):
                c = number[class_name]
                found[:, n, c] = [dice(masks[a], masks[b]) for a, b in pairs]
                areas[:, n, c] = [area(runs) for runs in masks]
            advance(1)
    names = _short_names(paths)
    return Comparison(joined, names, image_names, classes, pairs, found, areas, image_files)


def _short_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """The ends of the paths, as short as they tell the files apart, if may be without suffix."""
    parts = [path.parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        ends = [Path(*each[-length:]) for each in parts]
        for names in ([p.with_suffix("").as_posix() for p in ends], [p.as_posix() for p in ends]):
            if len(set(names)) == len(names):
                return tuple(names)
    return tuple(path.as_posix() for path in paths)
