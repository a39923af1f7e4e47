"""Folds that keep groups whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import LabelledFolder
from ensemble.errors import ConfigError, DataError, few


def grouped_folds(groups: Sequence[str], num_folds: int, seed: int) -> NDArray[np.int64]:
    """The fold (N,) of each image, 0..num_folds - 1; a group lies in one fold whole.

    Groups go, largest first, into the fold with the fewest images; the seed orders groups of one
    size and picks among folds that are level. The order of the images does not matter.
    Raises DataError for fewer groups than folds.
    """
    if num_folds < 2:
        raise ConfigError("a split needs two folds or more", got=num_folds)
    sizes = Counter(groups)
    if len(sizes) < num_folds:
        raise DataError(
            "there are fewer groups than folds",
            expected=f"{num_folds} groups or more",
            got=f"{len(sizes)} groups in {len(groups)} images",
            remedy="ask for fewer folds, or group the images more finely",
        )
    rng = np.random.default_rng(seed)
    names = sorted(sizes)
    shuffled = [names[index] for index in rng.permutation(len(names))]
    images_in_fold = np.zeros(num_folds, np.int64)
    fold_of: dict[str, int] = {}
    for name in sorted(shuffled, key=lambda name: -sizes[name]):
        smallest = np.flatnonzero(images_in_fold == images_in_fold.min())
        fold_of[name] = int(rng.choice(smallest))
        images_in_fold[fold_of[name]] += sizes[name]
    return np.array([fold_of[group] for group in groups], np.int64)


def stratified_folds(
    groups: Sequence[str], traits: NDArray[np.bool_], num_folds: int, seed: int
) -> NDArray[np.int64]:
    """As `grouped_folds`, with each fold having its share of images of each trait (N, K) too.

    Groups go, those of rare traits first, to where the folds become most alike: where the sum of
    squared shares that folds have of each trait, and of all images, grows least. As many images
    in each fold counts as much as all traits together.
    """
    names = sorted(set(groups))
    if num_folds < 2 or len(names) < num_folds:
        return grouped_folds(groups, num_folds, seed)  # which says what is wrong
    number = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(names), traits.shape[1] + 1))
    everything = np.column_stack([traits, np.ones(len(groups))])
    np.add.at(counts, [number[group] for group in groups], everything)
    counts = counts[:, counts.any(axis=0)]
    shares = counts / counts.sum(axis=0)
    shares[:, -1] *= np.sqrt(max(shares.shape[1] - 1, 1))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(names))
    rarest_first = order[np.argsort(-(shares[order] ** 2).sum(axis=1), kind="stable")]
    held = np.zeros((num_folds, shares.shape[1]))
    fold_of = np.zeros(len(names), np.int64)
    for left, group in zip(range(len(names), 0, -1), rarest_first, strict=True):
        growth = ((held + shares[group]) ** 2 - held**2).sum(axis=1)
        empty = ~held.any(axis=1)
        if left <= empty.sum():
            growth[~empty] = np.inf  # a fold must have a group
        least = np.flatnonzero(np.isclose(growth, growth.min(), rtol=1e-9, atol=1e-15))
        fold_of[group] = rng.choice(least)
        held[fold_of[group]] += shares[group]
    return fold_of[[number[group] for group in groups]]


def hold_out(
    labelled: LabelledFolder, folds: NDArray[np.int64], fold: int
) -> tuple[LabelledFolder, LabelledFolder]:
    """Views of a labelled folder: (all folds but one, that one), in the folder's order."""
    known = np.unique(folds).tolist()
    if fold not in known:
        raise ConfigError(
            "there is no such fold",
            expected=f"one of {few([str(number) for number in known])}",
            got=fold,
        )
    train = labelled.subset(np.flatnonzero(folds != fold).tolist())
    return train, labelled.subset(np.flatnonzero(folds == fold).tolist())
