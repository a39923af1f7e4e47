from dataclasses import replace

import cv2
import numpy as np
import pytest

from ensemble.appraisal.appraisal import Asked, appraise, look_at
from ensemble.appraisal.doubt import Doubt
from ensemble.appraisal.sections.review import unlike_text
from ensemble.appraisal.tables import doubt_table
from ensemble.classes import ClassList
from ensemble.data.datasets import open_images, open_labelled
from ensemble.dice import image_dice
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.weights import uniform_weights
from ensemble.images.reading import read_image
from ensemble.runs.filters import NO_FILTER, ClassFilter
from ensemble.runs.rle import decode
from ensemble.tuning.sources import single_sources
from spotters import NAMES, members, spotter, write_folder


@pytest.fixture
def val(tmp_path):
    write_folder(tmp_path / "val")
    return open_labelled(tmp_path / "val")


def uneven(space="prob"):
    weights = replace(uniform_weights(members()), space=space, views="hflip")
    weights.weights[:] = [[0.6, 0.2], [0.3, 0.5], [0.1, 0.3]]
    weights.thresholds[:] = [0.4, 0.55]
    return replace(weights, filters=(ClassFilter(keep_largest=1), NO_FILTER))


@pytest.mark.parametrize("space", ["prob", "logit"])
def test_dice_is_that_of_the_masks_which_predict_writes(val, tmp_path, space):
    weights = uneven(space)
    found = appraise(val, single_sources(members()), weights, Asked(tmp_path / "cache"))
    ensemble = Ensemble(members(), weights)
    expected = [
        image_dice(ensemble.predict(read_image(sample.image)), val.read_label(sample))
        for sample in val.samples
    ]
    np.testing.assert_allclose(found.dice, expected, atol=0.02)
    assert found.class_names == NAMES
    np.testing.assert_allclose(found.rules.weights.T, weights.weights, atol=1e-12)
    for m, member in enumerate(members()):
        alone = Ensemble([member], uniform_weights([member], views="hflip", space=space))
        masks = alone.predict(read_image(val.samples[0].image))
        expected = image_dice(masks, val.read_label(val.samples[0]))
        np.testing.assert_allclose(found.scores.alone[m, 0], expected, atol=0.03)


def test_members_agree_as_their_masks_do(val, tmp_path):
    found = appraise(val, single_sources(members()), uneven(), Asked(tmp_path / "cache"))
    assert found.pairs == ((0, 1), (0, 2), (1, 2))
    look = look_at(found, val.samples[3])
    a, b = (decode(look.own[m][1], look.size) for m in (0, 2))
    expected = (2 * (a & b).sum() + 1e-4) / (a.sum() + b.sum() + 1e-4)
    assert found.pair_dice[1, 3, 1] == pytest.approx(expected)
    assert found.agreement[2, 0] == pytest.approx(found.pair_dice[1].mean())


def test_doubt_is_of_the_maps_and_masks(val, tmp_path):
    """Signs by hand, of one image and class."""
    found = appraise(val, single_sources(members()), uneven(), Asked(tmp_path / "cache"))
    sample, c = val.samples[2], 1
    ensemble = Ensemble(members(), replace(uneven(), filters=()))
    band = next(band for _, band in ensemble.fuse([ensemble.prepare(read_image(sample.image))]))
    from reference import interpolate

    p = sum(interpolate(grid[c].astype(np.float64), band.size) for grid in band.maps)
    p = np.where(p < 0.02, 0, p)
    mask = decode(look_at(found, sample).masks[c], band.size)
    q = np.clip(p, 1e-12, 1 - 1e-12)
    entropy = (-(q * np.log2(q) + (1 - q) * np.log2(1 - q)))[p > 0].sum()
    expected = [
        (2 * p[mask].sum() + 1e-4) / (mask.sum() + p.sum() + 1e-4),
        entropy / (mask.sum() + p.sum() + 1),
        p.max(),
    ]
    np.testing.assert_allclose(found.doubt.signs[2, c, :3], expected, atol=0.02)
    own = [decode(masks[c], band.size) for masks in look_at(found, sample).own]
    dice = [(2 * (o & mask).sum() + 1e-4) / (o.sum() + mask.sum() + 1e-4) for o in own]
    assert found.doubt.signs[2, c, 3] == pytest.approx(np.mean(dice))


def test_other_images_are_ranked_and_other_views_scored(val, tmp_path):
    write_folder(tmp_path / "test", 5)
    asked = Asked(tmp_path / "cache", ("", "hflip"), open_images(tmp_path / "test"))
    found = appraise(val, single_sources(members()), uneven(), asked)
    assert found.review.predicted.shape == (5, 2)
    means = found.review.predicted.mean(axis=1)
    ranked = found.review.order()[int(found.review.is_unlike.sum()) :]
    assert (np.diff(means[ranked]) >= 0).all()
    plain, same = found.view_scores
    np.testing.assert_allclose(same.scores, found.scores.together)
    assert (plain.scores != found.scores.together).any()
    assert plain.seconds > 0


def test_the_most_unlike_come_before_the_doubtful(val):
    predicted = np.array([[0.9], [0.5], [0.2], [0.8]])
    doubt = Doubt(val.samples[:4], np.zeros((4, 1, 4)), np.ones((4, 1), np.int64), predicted)
    assert doubt.order() == [2, 1, 3, 0]
    assert replace(doubt, novelty=np.array([2.0, 0.5, 0.1, 1.5])).order() == [0, 3, 2, 1]
    assert replace(doubt, novelty=np.full(4, np.nan)).order() == [2, 1, 3, 0]


def test_images_unlike_all_labelled_ones_come_first(val, tmp_path):
    write_folder(tmp_path / "test", 5)
    black = tmp_path / "test" / "images" / "0black.png"
    cv2.imwrite(str(black), np.zeros((30, 40), np.uint8))
    asked = Asked(tmp_path / "cache", review=open_images(tmp_path / "test" / "images"))
    found = appraise(val, single_sources(members()), uneven(), asked)
    assert found.doubt.novelty is None
    unlike = [found.review.samples[i].name for i in np.flatnonzero(found.review.is_unlike)]
    assert unlike == ["0black.png"]
    assert found.review.samples[found.review.order()[0]].name == "0black.png"
    assert unlike_text(found.review).endswith("says little there: 0black.png.")
    content = doubt_table(found, found.review, "review")
    assert content.header[-1] == "novelty"
    assert content.rows[0][-1] > 1
    assert max(row[-1] for row in content.rows[1:]) <= 1


def test_classes_that_exclude_each_other_have_no_thresholds(tmp_path):
    write_folder(tmp_path / "val", yaml="names: [bright, dark, rest]\nexclusive: true\n")
    (tmp_path / "val" / "masks" / "rest").mkdir()
    for path in (tmp_path / "val" / "masks" / "bright").iterdir():
        other = cv2.imread(str(path).replace("bright", "dark"), 0)
        rest = 255 - np.maximum(cv2.imread(str(path), 0), other)
        cv2.imwrite(str(path).replace("bright", "rest"), rest)
    classes = ClassList(("bright", "dark", "rest"), exclusive=True)
    loaded = [
        spotter("a", (0.5, 0.5, 0.5), classes=classes),
        spotter("b", (2.0, 2.0, 0.1), classes=classes, size=(28, 20)),
    ]
    data = open_labelled(tmp_path / "val")
    weights = uniform_weights(loaded)
    found = appraise(data, single_sources(loaded), weights, Asked(tmp_path / "cache"))
    assert found.curves is None
    assert found.calibration is None
    ensemble = Ensemble(loaded, weights)
    expected = image_dice(
        ensemble.predict(read_image(data.samples[0].image)), data.read_label(data.samples[0])
    )
    np.testing.assert_allclose(found.dice[0], expected, atol=0.02)
    look = look_at(found, data.samples[0])
    covered = sum(decode(mask, look.size).astype(int) for mask in look.masks)
    np.testing.assert_array_equal(covered, 1)
    own = sum(decode(mask, look.size).astype(int) for mask in look.own[1])
    np.testing.assert_array_equal(own, 1)
