from dataclasses import replace

import numpy as np
import pytest

from ensemble.appraisal.curves import NUM_BINS, THRESHOLDS, calibrate, threshold_curves
from ensemble.bit_planes import Label, pack
from ensemble.fusion.soft_maps import PROB_SCALE, scale_of
from ensemble.tuning.rules import Rules
from ensemble.tuning.statistic import StatisticBuilder
from noisy_members import SIZE, rules, statistic


def test_a_curve_is_the_score_at_each_threshold():
    found = threshold_curves(statistic(), rules(), PROB_SCALE, count=5)
    np.testing.assert_allclose(found.thresholds, [0.1, 0.3, 0.5, 0.7, 0.9])
    expected = statistic().scores(replace(rules(), thresholds=np.full(3, 0.7)))
    np.testing.assert_array_equal(found.scores[3], expected.mean(axis=0))


@pytest.mark.parametrize("scale", [PROB_SCALE, scale_of("logit", exclusive=False)])
def test_calibration_counts_the_pixels_of_each_probability(scale):
    rng = np.random.default_rng(0)
    builder = StatisticBuilder(np.ones((2, 1), bool), range(2), THRESHOLDS)
    counts = np.zeros((3, 2, NUM_BINS))
    for _ in range(3):
        masks = rng.random((2, *SIZE)) < 0.5
        planes = rng.integers(0, 256, (2, *SIZE), np.uint8)
        builder.add([[plane] for plane in planes], Label(pack(masks), None))
        probs = scale.thresholds(planes / 255)
        for c in range(2):
            for p, true in zip(probs[c].ravel(), masks[c].ravel(), strict=True):
                if THRESHOLDS.low < p < THRESHOLDS.high:
                    b = int(np.searchsorted(np.linspace(0.05, 0.95, NUM_BINS + 1), p) - 1)
                    counts[:, c, b] += 1, true, p
    single = Rules(np.ones((2, 1)), np.full(2, 0.5))
    found = calibrate(builder.result(), single, scale)
    kept = counts[0] > 0
    np.testing.assert_allclose(found.pixels[kept], counts[0][kept])
    np.testing.assert_allclose(found.true[kept], counts[1][kept])
    np.testing.assert_allclose(found.mass[kept], counts[2][kept])
    error = np.abs(counts[1] - counts[2]).sum(1) / counts[0].sum(1)
    np.testing.assert_allclose(found.error(), error)
    probability, share = found.curve()
    assert np.nanmax(np.abs(np.diff(probability))) < 0.2
    assert ((share >= 0) & (share <= 1) | np.isnan(share)).all()
    np.testing.assert_allclose(probability, counts[2].sum(0) / counts[0].sum(0))
    np.testing.assert_allclose(share, counts[1].sum(0) / counts[0].sum(0))
    with np.errstate(invalid="ignore"):
        expected = counts[2] / counts[0], counts[1] / counts[0]
    np.testing.assert_allclose(found.curves(), expected)
