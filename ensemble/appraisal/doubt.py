"""What is predicted of images without their own labels, and which of them come first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.appraisal.image_figures import image_figures
from ensemble.appraisal.novelty import novelty
from ensemble.appraisal.predicted_dice import DicePredictor, enough_masks, predict_out_of_fold
from ensemble.data.datasets import Sample
from ensemble.progress import Progress
from ensemble.tuning.cross_validation import draw_folds

_NUM_FOLDS = 5


Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is predicted of N images without their own labels.

    `signs` (N, C, K) and `areas_px` (N, C) of the ensemble's masks, `predicted` Dice (N, C): of
    labelled images by a fit that did not see their group. Without `is_fitted` there were too few
    labelled masks for that, and it is the expected Dice. `novelty` (N,): distance from the labelled
    images, above 1 for one that is unlike all of them (`ensemble.appraisal.novelty`); None of those
    themselves.
    """

    samples: tuple[Sample, ...]
    signs: Floats
    areas_px: NDArray[np.int64]
    predicted: Floats
    novelty: Floats | None = None
    is_fitted: bool = True

    @property
    def is_unlike(self) -> NDArray[np.bool_]:
        """(N,): whether an image is unlike all labelled ones, so that predictions say little."""
        if self.novelty is None:
            return np.zeros(len(self.samples), np.bool_)
        return np.asarray(self.novelty > 1)

    def order(self) -> list[int]:
        """Images as they should be reviewed: the most unlike labelled ones, then the doubtful."""
        urgency = self.predicted.mean(axis=1)
        if self.novelty is not None:
            urgency = np.where(self.is_unlike, -self.novelty, urgency)
        order: list[int] = np.argsort(urgency, kind="stable").tolist()
        return order


def doubt_labelled(
    samples: tuple[Sample, ...], signs: Floats, areas_px: NDArray[np.int64], dice: Floats
) -> tuple[Doubt, DicePredictor]:
    """What is predicted of labelled images by fits that did not see them, and a fit on all."""
    folds = draw_folds([sample.group for sample in samples], _NUM_FOLDS, seed=0)
    empty = areas_px == 0
    enough = enough_masks(empty, folds)
    predicted = predict_out_of_fold(signs, empty, dice, folds)
    fitted = DicePredictor.fit(signs, empty, dice, enough=enough)
    return Doubt(samples, signs, areas_px, predicted, is_fitted=enough), fitted


def doubt_others(
    samples: tuple[Sample, ...],
    signs: Floats,
    areas_px: NDArray[np.int64],
    fitted: DicePredictor,
    labelled: Doubt,
    progress: Progress,
) -> Doubt:
    """What a fit on labelled images predicts of others, and how unlike those they are."""
    known = image_figures(labelled.samples, labelled.signs, labelled.areas_px, progress)
    figures = image_figures(samples, signs, areas_px, progress)
    groups = [sample.group for sample in labelled.samples]
    return Doubt(
        samples,
        signs,
        areas_px,
        fitted(signs, areas_px == 0),
        novelty(known, groups, figures),
        labelled.is_fitted,
    )
