"""Rules fitted by way of samples, against those fitted on everything."""

import numpy as np
import pytest
from noisy_disks import simulate

from ensemble.streaming import Stripes
from ensemble.tuning import candidates
from ensemble.tuning.candidates import Fitter

IMAGES = np.arange(24)


@pytest.fixture
def statistic():
    noise = np.full((2, 3), 3.0)
    noise[1] = [0.5, 6.0, 6.0]
    return simulate(noise)


def test_a_sample_leads_to_rules_that_are_as_good_on_everything(statistic, monkeypatch):
    direct = Fitter(statistic).fit(IMAGES, seed=0)
    num_tuples = statistic.values.shape[1]
    monkeypatch.setattr(candidates, "_MOST_SEARCHED", num_tuples // 4)
    monkeypatch.setattr(candidates, "_MOST_POLISHED", num_tuples)
    monkeypatch.setattr(candidates, "_MOST_SHARED", num_tuples // 8)
    sampled = Fitter(statistic).fit(IMAGES, seed=0)
    for name in ("shared", "tuned"):
        gain = statistic.scores(sampled[name], IMAGES) - statistic.scores(direct[name], IMAGES)
        assert gain.mean() > -0.002
    assert sampled["tuned"].weights[1, 0] > 0.5


def test_threads_change_no_rule(statistic):
    alone = Fitter(statistic).fit(IMAGES, seed=0)
    with Stripes(3) as stripes:
        together = Fitter(statistic, stripes.map).fit(IMAGES, seed=0)
    for name, rules in alone.items():
        np.testing.assert_array_equal(together[name].weights, rules.weights)
        np.testing.assert_array_equal(together[name].thresholds, rules.thresholds)
