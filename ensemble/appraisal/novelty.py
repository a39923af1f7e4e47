"""How unlike known images others are, by figures of what they show and of what is said of them.

The distance is Mahalanobis's, from the mean of the known images in units of how they vary together
(as Lee et al. 2018 tell strange images from known ones). It is judged by the distances that known
images have from those of other people: of one more image like them, one in N + 1 lies further away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Figures are shares: what varies less among known images counts as if it varied so much.
_LEAST_SPREAD = 0.01
# Of the variance of each figure, so that few images do not rule out what they happen not to show.
_PENALTY = 0.05
_MOST_FOLDS = 100
# Known images reach at least one spread from their mean.
_LEAST_REACH = 1.0
LEAST_GROUPS = 5


def novelty(known: Floats, groups: Sequence[str], others: Floats) -> Floats:
    """Distances (K,) of others (K, F) from known images (N, F) of groups (N,).

    In units of the largest that known images have from those of other groups: above 1 one is unlike
    all of them. NaN where there are fewer than LEAST_GROUPS groups.
    """
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(set(numbers.tolist())) < LEAST_GROUPS:
        return np.full(len(others), np.nan)
    folds = numbers % _MOST_FOLDS
    most = max(
        float(_distances(known[folds != fold], known[folds == fold]).max())
        for fold in np.unique(folds)
    )
    return _distances(known, others) / max(most, _LEAST_REACH)


def _distances(known: Floats, others: Floats) -> Floats:
    """(K,), not squared."""
    centre = known.mean(axis=0)
    spread = np.maximum(known.std(axis=0), _LEAST_SPREAD)
    inside, outside = (known - centre) / spread, (others - centre) / spread
    covariance = inside.T @ inside / len(inside) + _PENALTY * np.eye(known.shape[1])
    squares = (outside * np.linalg.solve(covariance, outside.T).T).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))
