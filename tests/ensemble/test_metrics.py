"""Metrics of counted pixels, against their formulas on whole masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.kernels.dice import graded
from ensemble.metrics import METRICS

EPS = 1e-4


def masks(seed, num_images=4, num_classes=3):
    rng = np.random.default_rng(seed)
    shape = (num_images, num_classes, 5, 6)
    shares = rng.choice([0, 0.3, 1], (2, num_images, num_classes, 1, 1))
    return rng.random(shape) < shares[0], rng.random(shape) < shares[1]


def overlaps_of(predicted, true):
    return np.stack([each.sum((2, 3)) for each in (predicted, predicted & true, true)], axis=-1)


@given(st.integers(0, 10**6))
def test_of_each_image_it_is_the_formula(seed):
    predicted, true = masks(seed)
    both, either = (predicted & true).sum((2, 3)), (predicted | true).sum((2, 3))
    sizes = predicted.sum((2, 3)) + true.sum((2, 3))
    overlaps = overlaps_of(predicted, true)
    np.testing.assert_allclose(METRICS["dice"].scores(overlaps), (2 * both + EPS) / (sizes + EPS))
    np.testing.assert_allclose(METRICS["iou"].scores(overlaps), (both + EPS) / (either + EPS))


@given(st.integers(0, 10**6))
def test_pooled_it_is_that_of_all_images_as_one(seed):
    predicted, true = masks(seed)
    together = overlaps_of(predicted, true).sum(axis=0)[None]
    for pooled, alone in (("pooled-dice", "dice"), ("pooled-iou", "iou")):
        found = METRICS[pooled].scores(overlaps_of(predicted, true)).mean(axis=0)
        np.testing.assert_allclose(found, METRICS[alone].scores(together)[0], rtol=1e-9)


def test_what_an_image_adds_to_a_ratio_is_what_it_moves_it():
    """The infinitesimal jackknife: the derivative by how often an image is there."""
    predicted, true = masks(3, num_images=6)
    overlaps = overlaps_of(predicted, true)
    step = 1000
    often = np.repeat(overlaps, step, axis=0)
    for name in ("pooled-dice", "pooled-iou"):
        metric = METRICS[name]
        scores, before = metric.scores(overlaps), metric.scores(often).mean(axis=0)
        for i in range(6):
            after = metric.scores(np.concatenate([often, overlaps[[i]]])).mean(axis=0)
            expected = (scores[i] - scores.mean(axis=0)) / (6 * step)
            np.testing.assert_allclose(after - before, expected, atol=1e-8, rtol=2e-3)


def test_weights_make_a_weighted_mean():
    predicted, true = masks(5)
    overlaps, weights = overlaps_of(predicted, true), np.array([2.0, 0.5, 0.0, 1.5])
    plain = METRICS["iou"].scores(overlaps)
    weighted = METRICS["iou"].scores(overlaps, weights)
    np.testing.assert_allclose(weighted.mean(0), np.average(plain, axis=0, weights=weights))
    np.testing.assert_allclose(METRICS["iou"].scores(overlaps, np.ones(4)), plain)


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**40), st.booleans())
def test_the_kernel_grades_alike(hits, missed, wrong, is_iou):
    overlaps = np.array([[[hits + wrong, hits, hits + missed]]])
    expected = METRICS["iou" if is_iou else "dice"].scores(overlaps)[0, 0]
    assert graded(hits, hits + wrong, hits + missed, is_iou) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dice", "Dice"),
        ("iou", "IoU"),
        ("pooled-dice", "pooled Dice"),
        ("pooled-iou", "pooled IoU"),
    ],
)
def test_a_metric_says_its_name(name, text):
    assert str(METRICS[name]) == text
