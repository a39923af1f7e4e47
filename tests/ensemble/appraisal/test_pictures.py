from dataclasses import replace

import numpy as np
import pytest

from ensemble.appraisal.appraisal import Asked, appraise
from ensemble.appraisal.pictures import HEIGHT_PX, doubt_pictures
from ensemble.data.datasets import open_labelled
from ensemble.fusion.weights import uniform_weights
from ensemble.images.reading import read_image
from ensemble.report.pictures import fit_height, to_rgb
from ensemble.tuning.sources import single_sources
from spotters import members, spotter, write_folder


@pytest.fixture
def val(tmp_path):
    write_folder(tmp_path / "val", 3)
    return open_labelled(tmp_path / "val")


def drawn(val, folder, loaded, **changes):
    weights = replace(uniform_weights(loaded), **changes)
    found = appraise(val, single_sources(loaded), weights, Asked(folder / "cache"))
    masks, doubt = doubt_pictures(found, val.samples[0])
    ground = fit_height(to_rgb(read_image(val.samples[0].image)), HEIGHT_PX)
    assert masks.shape == doubt.shape == ground.shape
    assert (masks != ground).any()
    return doubt.astype(int) - ground


def test_members_that_agree_leave_the_image_as_it_is(val, tmp_path):
    twins = [spotter("a", (0.0, 0.0)), spotter("b", (0.0, 0.0))]
    assert np.abs(drawn(val, tmp_path, twins)).max() <= 1


@pytest.mark.parametrize("space", ["prob", "logit"])
def test_where_they_disagree_it_turns_orange(val, tmp_path, space):
    change = drawn(val, tmp_path, members(), space=space)
    red, _, blue = np.moveaxis(change, 2, 0)
    assert (np.abs(change).max(axis=2) > 60).mean() > 0.05
    assert (red - blue)[np.abs(change).max(axis=2) > 60].mean() > 20


def test_a_member_that_weighs_nothing_disagrees_with_nobody(val, tmp_path):
    loaded = [spotter("a", (0.0, 0.0)), spotter("b", (0.0, 0.0)), spotter("wild", (6.0, 6.0))]
    change = drawn(val, tmp_path, loaded, weights=np.array([[0.5, 0.5], [0.5, 0.5], [0, 0]]))
    assert np.abs(change).max() <= 1


def test_a_member_alone_is_shown_by_its_entropy(val, tmp_path):
    assert np.abs(drawn(val, tmp_path, [spotter("soft", (0.0, 0.0), sharpness=0.5)])).max() > 60
