"""Which of two sets an image is from, as judged by classifiers that did not see its group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RIDGE, _NEWTON_STEPS, _MOST_LOGIT = 1.0, 25, 30

Features = NDArray[np.float64]


def out_of_fold_odds(
    points: Features, is_other: NDArray[np.bool_], folds: NDArray[np.int64]
) -> Features:
    """The odds (N,) that points (N, F) are of the other set, by a logistic regression a fold.

    Features should have a spread of about 1. Each point is judged by the classifier that learned
    from all folds but its own.
    """
    odds = np.empty(len(points))
    for fold in np.unique(folds):
        inside = folds == fold
        slopes = _logistic(points[~inside], is_other[~inside].astype(np.float64))
        odds[inside] = np.exp(
            np.clip(_with_one(points[inside]) @ slopes, -_MOST_LOGIT, _MOST_LOGIT)
        )
    return odds


def _with_one(points: Features) -> Features:
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)


def _logistic(points: Features, truth: Features) -> Features:
    """Slopes and intercept (F + 1,) of a ridge logistic regression, by Newton's method."""
    inputs = _with_one(points)
    ridge = np.diag([*np.full(points.shape[1], _RIDGE), 1e-6])
    slopes = np.zeros(inputs.shape[1])
    for _ in range(_NEWTON_STEPS):
        probs = 1 / (1 + np.exp(-np.clip(inputs @ slopes, -_MOST_LOGIT, _MOST_LOGIT)))
        gradient = inputs.T @ (probs - truth) + ridge @ slopes
        curvature = (inputs * (probs * (1 - probs))[:, None]).T @ inputs + ridge
        slopes = slopes - np.linalg.solve(curvature, gradient)
    return slopes
