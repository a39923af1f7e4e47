from dataclasses import replace

import numpy as np
import pytest

from ensemble.errors import WeightsError
from ensemble.fusion.weights import FusionWeights
from ensemble.runs.filters import NO_FILTER, ClassFilter


@pytest.fixture
def weights():
    return FusionWeights(
        members=("unet", "fpn"),
        sha256s=("a" * 64, None),
        class_names=("Radius", "Ulna", "손"),
        weights=np.array([[0.25, 1.0, 0.5], [0.75, 0.0, 0.5]]),
        thresholds=np.array([0.4, 0.5, 0.6]),
        space="logit",
        views="hflip",
    )


def test_where_logits_are_averaged_a_threshold_beyond_their_floor_is_refused(weights):
    extreme = np.array([0.4, 0.5, 1e-4])
    assert replace(weights, thresholds=extreme, space="prob").space == "prob"
    for thresholds in (extreme, 1 - extreme):
        with pytest.raises(WeightsError, match=r"must lie between 0\.0001 and 0\.9999"):
            replace(weights, thresholds=thresholds)


def test_filters_of_another_number_of_classes_are_refused(weights):
    with pytest.raises(WeightsError, match=r"another number of classes.*expected 3, got 1"):
        replace(weights, filters=(NO_FILTER,))


def test_a_sure_threshold_that_no_average_of_logits_can_cross_is_refused(weights):
    beyond = (NO_FILTER, NO_FILTER, ClassFilter(sure_threshold=0.99995, min_sure_px=3))
    assert replace(weights, filters=beyond, space="prob").filters == beyond
    with pytest.raises(WeightsError, match="threshold must lie between"):
        replace(weights, filters=beyond, space="logit")


def test_classes_in_another_order_keep_their_weights(weights):
    turned = weights.for_classes(("손", "Ulna", "Radius"))
    assert turned.weights.tolist() == [[0.5, 1.0, 0.25], [0.5, 0.0, 0.75]]
    assert turned.thresholds.tolist() == [0.6, 0.5, 0.4]
