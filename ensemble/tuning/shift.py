"""Labelled images weighted so that they resemble others that have no labels.

A classifier that tells the two apart by what images and soft maps say of size, brightness and pose
knows their density ratio (Bickel, Brueckner and Scheffer, JMLR 2009): an image counts by the odds
of being one of the others, as judged by a classifier that did not see its group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import ImageFolder, Sample, open_images
from ensemble.data.folds import grouped_folds
from ensemble.errors import DataError
from ensemble.fusion.soft_maps import LEVELS
from ensemble.images.reading import Image, read_image
from ensemble.odds import out_of_fold_odds
from ensemble.progress import Progress
from ensemble.tuning.choice import surest_gain
from ensemble.tuning.material import Material
from ensemble.tuning.rules import DEFAULT_THRESHOLD, spread
from ensemble.tuning.stored_maps import StoredMaps

# Fewer images than this, counted as such that count the same, are no sample to tune on.
LEAST_EFFECTIVE = 12
# Fewer others than this show no distribution.
LEAST_OTHERS = 10
_MOST_WEIGHT = 10.0
_NUM_FOLDS = 5
# How many principal components a classifier may look at.
_COMPONENTS = (1, 2, 4, 8)
_THUMBNAIL = 64
_QUANTILES = (5, 25, 50, 75, 95)

Features = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shift:
    """What each labelled image counts, (N,) mean 1, so that they resemble those of `folder`."""

    folder: str
    weights: NDArray[np.float64]

    @property
    def is_found(self) -> bool:
        """Whether anything tells the images apart."""
        return bool(np.ptp(self.weights) > 1e-6)

    @property
    def effective_images(self) -> float:
        """How many images that count the same would be as good a sample (Kish)."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())


def open_others(folder: Path) -> ImageFolder:
    """The images to resemble; raises DataError for fewer than LEAST_OTHERS."""
    others = open_images(folder)
    if len(others.samples) < LEAST_OTHERS:
        raise DataError(
            "holds too few images to match with",
            where=folder,
            expected=f"{LEAST_OTHERS} or more",
            got=len(others.samples),
        )
    return others


def match_images(
    material: Material, others: ImageFolder, *, folder: str, seed: int, progress: Progress
) -> Shift:
    """What each labelled image counts so that they resemble others, as the best source sees both.

    The members of a family take turns at the others too: each image is seen by one network.
    `folder` is what the others' is called. Raises DataError where too few resemble them.
    """
    best = material.for_members([_widest_seeing(material)])
    (source,) = best.sources
    turns = {sample.name: i % len(source.members) for i, sample in enumerate(others.samples)}
    stored = best.stored.of([replace(source, answers=turns)])
    stored.fill(others.samples, progress=progress)

    def features(maps: StoredMaps, samples: Sequence[Sample]) -> NDArray[np.float64]:
        with progress("comparing images", len(samples)) as advance:
            rows = []
            for sample in samples:
                planes = [plane for (plane,) in maps.by_class(sample, best.plan)]
                rows.append(
                    describe(read_image(sample.image), [p for p in planes if p is not None])
                )
                advance(1)
        return np.stack(rows)

    return match(
        features(best.stored, best.data.samples),
        features(stored, others.samples),
        best.groups,
        folder=folder,
        seed=seed,
    )


def _widest_seeing(material: Material) -> int:
    """The source that knows the most classes, of equals the one that is best alone."""
    statistic = material.statistic
    known = statistic.present.sum(axis=0)

    def worth(m: int) -> tuple[int, float]:
        rules = spread(np.eye(len(known))[m], DEFAULT_THRESHOLD, statistic.present)
        return int(known[m]), float(statistic.scores(rules).mean())

    return max(range(len(known)), key=worth)


def describe(image: Image, maps: Iterable[NDArray[np.uint8]]) -> Features:
    """Features (F,) of an image (H, W) or (H, W, ch) and of its soft maps (h, w), one a class.

    Size and grey levels of the image; of each map its area, centre of mass and direction.
    """
    height, width = image.shape[:2]
    grey = image.reshape(height, width, -1).mean(axis=2, dtype=np.float32)
    grey /= np.iinfo(image.dtype).max
    small = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.concatenate(
        [
            np.log([height, width]),
            [small.mean(), small.std()],
            np.percentile(small, _QUANTILES),
            *(_moments(plane) for plane in maps),
        ]
    )


def match(
    labelled: Features, others: Features, groups: Sequence[str], *, folder: str, seed: int
) -> Shift:
    """Weights of labelled images (N, F) of some groups, so that they resemble others (K, F).

    Unless a classifier surely tells images that it did not see apart, all of them count the same.
    Raises DataError where too few of them do.
    """
    points = _components(np.concatenate([labelled, others]))
    is_other = np.repeat([False, True], [len(labelled), len(others)])
    num_folds = min(_NUM_FOLDS, len(set(groups)), len(others))
    drawn = np.random.default_rng(seed).permutation(np.arange(len(others)) % num_folds)
    folds = np.concatenate([grouped_folds(groups, num_folds, seed), drawn])
    plain, *tried = (
        out_of_fold_odds(points[:, :count], is_other, folds) for count in (0, *_COMPONENTS)
    )
    everyone = [f"own {group}" for group in groups] + [f"other {i}" for i in range(len(others))]
    better, _ = surest_gain(
        _likelihood(plain, is_other),
        [_likelihood(odds, is_other) for odds in tried],
        everyone,
        seed=seed,
    )
    if better[0] < 0:
        return Shift(folder, np.ones(len(labelled)))
    odds = tried[int(better[0])][~is_other]
    weights = np.minimum(odds / odds.mean(), _MOST_WEIGHT)
    shift = Shift(folder, weights / weights.mean())
    if shift.effective_images < LEAST_EFFECTIVE:
        raise DataError(
            f"too few labelled images resemble those of {folder}",
            expected=f"as good as {LEAST_EFFECTIVE} images or more",
            got=f"as good as {shift.effective_images:.1f} of {len(labelled)}",
            remedy="leave --match out",
        )
    return shift


def _moments(plane: NDArray[np.uint8]) -> Features:
    """Area, centre (y, x) and direction (2) of a map; in shares, so that sizes do not matter."""
    mass = plane.astype(np.float64) / LEVELS
    mass[mass < 0.5] = 0
    total = mass.sum()
    if total == 0:
        return np.array([0.0, 0.5, 0.5, 0.0, 0.0])
    rows, columns = ((np.arange(side) + 0.5) / side for side in plane.shape)
    down, across = mass.sum(axis=1) / total, mass.sum(axis=0) / total
    y, x = float(down @ rows), float(across @ columns)
    dy, dx = rows - y, columns - x
    yy, xx = float(down @ dy**2), float(across @ dx**2)
    xy = float(dy @ mass @ dx) / total
    spread = max(yy + xx, 1e-12)
    return np.array([total / mass.size, y, x, (yy - xx) / spread, 2 * xy / spread])


def _components(features: Features) -> Features:
    """The leading principal components, standardised."""
    spread = features.std(axis=0)
    standard = (features - features.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    left, sizes, _ = np.linalg.svd(standard, full_matrices=False)
    scores = (left * sizes)[:, : max(_COMPONENTS)]
    return np.asarray(scores / np.maximum(scores.std(axis=0), 1e-9))


def _likelihood(odds: Features, is_other: NDArray[np.bool_]) -> Features:
    """Log-likelihood (N + K, 1) of what each image is."""
    return np.asarray(np.log(np.where(is_other, odds, 1) / (1 + odds))[:, None])
