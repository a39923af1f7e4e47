from dataclasses import replace

import numpy as np
import pytest

import reference
from ensemble.classes import ClassList
from ensemble.errors import ConfigError
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.mask_stream import stream_masks
from ensemble.fusion.weights import uniform_weights
from ensemble.maps.views import parse_views
from ensemble.members.manifest import WindowSpec
from fakes import smooth_image, tiny_member

pytestmark = pytest.mark.kernel

OVERLAPPING = ClassList(("left", "right", "spine"), mirror_pairs=(("left", "right"),))
EXCLUSIVE = replace(OVERLAPPING, exclusive=True)
SIZE = (61, 47)
# Levels of 255: half of one for rounding, the rest for float32 where entropy is steep.
LEVELS_OFF = 0.6


def members(classes, *, windows=False):
    """Two grids; with windows a member that looks through overlapping ones."""
    found = [
        tiny_member("a", classes, (24, 32), seed=0),
        tiny_member("b", classes, (40, 20), seed=1),
    ]
    if windows:
        found.append(tiny_member("w", classes, (20, 16), seed=2, window=WindowSpec()))
    return found


def uneven(loaded, *, space="prob", views=""):
    weights = uniform_weights(loaded, views=views, space=space)
    weights.weights[:] = np.random.default_rng(1).random(weights.weights.shape)
    return weights


def streamed(engine, sizes=(SIZE,)):
    images = [(i, engine.prepare(smooth_image(size, i))) for i, size in enumerate(sizes)]
    return [image.uncertainty for image in stream_masks(engine, images)]


def binary_entropy(p):
    p = np.clip(p, 1e-300, 1 - 1e-16)
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("space", ["prob", "logit"])
def test_entropy_of_overlapping_classes_is_the_largest(space, windows):
    loaded = members(OVERLAPPING, windows=windows)
    weights = uneven(loaded, space=space, views="hflip")
    (found,) = streamed(Ensemble(loaded, weights, uncertainty="entropy"))
    fused = reference.fused_map(loaded, weights, parse_views("hflip"), smooth_image(SIZE))
    probs = 1 / (1 + np.exp(-fused)) if space == "logit" else fused
    expected = binary_entropy(probs).max(axis=0) * 255
    assert found.shape == SIZE
    assert np.abs(found - expected).max() < LEVELS_OFF


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("space", ["prob", "logit"])
def test_entropy_of_exclusive_classes_is_that_of_their_shares(space, windows):
    loaded = members(EXCLUSIVE, windows=windows)
    weights = uneven(loaded, space=space)
    weights.weights[:] = weights.weights[:, :1]
    (found,) = streamed(Ensemble(loaded, weights, uncertainty="entropy"))
    fused = reference.fused_map(loaded, weights, parse_views(""), smooth_image(SIZE))
    shares = np.exp(fused) if space == "logit" else fused
    shares = shares / shares.sum(axis=0)
    expected = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=0) / np.log(3) * 255
    assert np.abs(found - expected).max() < LEVELS_OFF


@pytest.mark.parametrize("sharpness", [1, 30])
@pytest.mark.parametrize("grids", ["one", "two", "windows"])
@pytest.mark.parametrize("classes", [OVERLAPPING, EXCLUSIVE], ids=["overlapping", "exclusive"])
def test_disagreement_is_the_deviation_of_what_members_say(classes, grids, sharpness):
    loaded = members(classes, windows=grids == "windows")
    if grids == "one":
        loaded[1] = tiny_member("b", classes, (24, 32), seed=1)
    for member in loaded:
        member.network.weight.data *= sharpness
    weights = uneven(loaded)
    (found,) = streamed(Ensemble(loaded, weights, uncertainty="disagreement"))
    first, second = (
        reference.fused_map(loaded, weights, parse_views(""), smooth_image(SIZE), power)
        for power in (1, 2)
    )
    expected = 2 * np.sqrt(np.maximum(second - first**2, 0).max(axis=0)) * 255
    assert np.abs(found - expected).max() < LEVELS_OFF


def test_sure_pixels_are_0_and_halves_are_255():
    """One member that says what its bias says."""
    loaded = [tiny_member("sure", ClassList(("a", "b")), (8, 12))]
    loaded[0].network.weight.data.zero_()
    for logits, expected in (((-12.0, 12.0), 0), ((-12.0, 0.0), 255), ((-30.0, -30.0), 0)):
        loaded[0].network.bias.data[:] = loaded[0].network.bias.data.new_tensor(logits)
        engine = Ensemble(loaded, uniform_weights(loaded), uncertainty="entropy")
        (found,) = streamed(engine)
        assert (found == expected).all()


def test_each_image_of_a_stream_has_its_own():
    loaded = members(OVERLAPPING, windows=True)
    engine = Ensemble(loaded, uneven(loaded), uncertainty="disagreement")
    together = streamed(engine, [SIZE, (30, 50), SIZE])
    assert [each.shape for each in together] == [SIZE, (30, 50), SIZE]
    alone = streamed(engine)
    np.testing.assert_array_equal(together[0], alone[0])
    assert (together[2] != together[0]).any()
    plain = Ensemble(loaded, uneven(loaded))
    assert streamed(plain) == [None]


def test_who_cannot_disagree_is_told():
    loaded = members(OVERLAPPING)
    with pytest.raises(ConfigError, match=r"two members or more: got a .*-of entropy"):
        Ensemble(loaded[:1], uniform_weights(loaded[:1]), uncertainty="disagreement")
    weights = uniform_weights(loaded, space="logit")
    with pytest.raises(ConfigError, match="probabilities, and logits are averaged here"):
        Ensemble(loaded, weights, uncertainty="disagreement")
