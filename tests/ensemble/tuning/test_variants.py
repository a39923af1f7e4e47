"""Views and spaces of which the first stays unless another surely gains."""

import numpy as np

from ensemble.tuning.variants import Variant, choose_variant, different_variants

GROUPS = [f"p{i}" for i in range(20)]
VARIANTS = (Variant(), Variant("hflip"), Variant("hflip", "logit"))


def choose(*gains, noise=0.01):
    rng = np.random.default_rng(0)
    first = rng.uniform(0.6, 0.9, 20)
    dice = [first] + [first + gain + rng.normal(0, noise, 20) for gain in gains]
    return choose_variant(VARIANTS[: len(dice)], dice, [1.0, 2.0, 2.5][: len(dice)], GROUPS, seed=0)


def test_the_surest_gain_is_kept():
    found = choose(0.02, 0.05)
    assert found.kept == 2
    gains = found.gains(GROUPS, seed=0)
    assert gains.mean[0] == gains.low[0] == gains.high[0] == 0
    assert 0 < gains.low[2] < gains.mean[2] < gains.high[2]


def test_the_first_stays_where_no_gain_is_sure():
    assert choose(0.0005, -0.02).kept == 0
    assert choose(-0.02).kept == 0
    assert choose().kept == 0


def test_what_means_the_same_is_tried_once():
    found = different_variants(["hflip", "", "identity,hflip", "identity"], ["logit", "prob"])
    assert found == (
        Variant("hflip", "logit"),
        Variant("", "logit"),
        Variant("hflip"),
        Variant(""),
    )
