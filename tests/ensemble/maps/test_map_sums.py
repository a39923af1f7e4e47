import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.errors import MemberError
from ensemble.maps.map_sums import FLOOR, sum_maps
from ensemble.runs.rle import encode

pytestmark = pytest.mark.kernel


@given(st.integers(0, 2**32 - 1), st.sampled_from(["prob", "logit"]))
def test_sums_are_those_of_the_dense_map(seed, space):
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(1, 20, 2))
    grids = [rng.random((1, *rng.integers(1, 12, 2))) for _ in range(rng.integers(1, 3))]
    grids = [(g * (g > rng.random()) / len(grids)).astype(np.float32) for g in grids]
    if space == "logit":
        grids = [(12 * g - 6 / len(grids)).astype(np.float32) for g in grids]
    mask = rng.random(size) < rng.choice([0.0, 0.4, 1.0])

    found = sum_maps(grids, encode(mask), size, space)

    full = sum(reference.interpolate(g[0].astype(np.float64), size) for g in grids)
    probs = 1 / (1 + np.exp(-full)) if space == "logit" else np.clip(full, 0, 1)
    unsure = np.abs(probs - FLOOR) < 1e-5
    probs = np.where(probs < FLOOR, 0, probs)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nan_to_num(probs * np.log2(probs)) - np.nan_to_num(
            (1 - probs) * np.log2(1 - probs)
        )
    slack = unsure.sum() * FLOOR + 1e-4
    assert found.mass == pytest.approx(probs.sum(), abs=slack)
    assert found.mass_inside == pytest.approx(probs[mask].sum(), abs=slack)
    assert found.entropy == pytest.approx(entropy.sum(), abs=slack * 10)
    assert found.peak == pytest.approx(probs.max(), abs=FLOOR + 1e-5 if unsure.any() else 1e-5)


def test_a_map_that_is_not_finite_is_refused():
    grid = np.full((1, 3, 4), np.nan, np.float32)
    with pytest.raises(MemberError, match="not finite"):
        sum_maps([grid], encode(np.zeros((6, 8), bool)), (6, 8))
