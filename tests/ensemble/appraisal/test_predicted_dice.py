import numpy as np
import pytest

from ensemble.appraisal.predicted_dice import (
    LEAST_MASKS,
    SIGNS,
    DicePredictor,
    enough_masks,
    predict_out_of_fold,
)


def masks(seed, num_images=60, num_classes=3):
    """Signs, emptiness and Dice that follow from them, unlike for empty masks."""
    rng = np.random.default_rng(seed)
    signs = rng.random((num_images, num_classes, len(SIGNS)))
    empty = rng.random((num_images, num_classes)) < 0.3
    of_masks = 0.2 + 0.6 * signs[..., 0] ** 2
    of_empty = (signs[..., 2] < 0.4).astype(float)
    return signs, empty, np.where(empty, of_empty, of_masks)


def test_what_signs_say_is_learnt_for_full_and_for_empty_masks():
    signs, empty, dice = masks(0)
    fitted = DicePredictor.fit(signs, empty, dice)
    others, others_empty, truth = masks(1)
    found = fitted(others, others_empty)
    assert np.abs(found - truth)[~others_empty].max() < 0.02
    assert np.abs(found - truth)[others_empty].mean() < 0.25
    assert found.min() >= 0
    assert found.max() <= 1


def test_of_few_masks_the_expected_dice_is_taken_as_it_is():
    """The mean of the other folds would be lowest where the Dice is highest."""
    signs, _, dice = masks(0, num_images=6)
    nothing_empty, folds = np.zeros(dice.shape, bool), np.arange(6)
    assert not enough_masks(nothing_empty, folds)
    found = predict_out_of_fold(signs, nothing_empty, dice, folds)
    np.testing.assert_allclose(found, signs[..., SIGNS.index("expected Dice")])
    fitted = DicePredictor.fit(signs, nothing_empty, dice, enough=False)
    np.testing.assert_allclose(fitted(signs, nothing_empty), found)


def test_of_few_empty_masks_the_mean_is_taken():
    signs, _, dice = masks(0, num_images=5)
    all_empty = np.ones(dice.shape, bool)
    of_empty = DicePredictor.fit(signs, all_empty, dice)
    np.testing.assert_allclose(of_empty(signs, all_empty), dice.mean())


def test_masks_are_enough_where_each_fit_has_enough_that_hold_something():
    folds = np.array([0, 0, 1, 1])
    empty = np.zeros((4, LEAST_MASKS // 2), bool)
    assert enough_masks(empty, folds)
    empty[3, 0] = True
    assert not enough_masks(empty, folds)
    assert enough_masks(np.ones_like(empty), folds)


@pytest.mark.parametrize("num_images", [5, 60])
def test_what_no_labelled_mask_is_like_is_taken_for_wrong(num_images):
    signs, _, dice = masks(0, num_images=num_images)
    nothing_empty = np.zeros(dice.shape, bool)
    fitted = DicePredictor.fit(signs, nothing_empty, dice)
    np.testing.assert_array_equal(fitted(signs, ~nothing_empty), 0)
    of_empty = DicePredictor.fit(signs, ~nothing_empty, dice)
    np.testing.assert_array_equal(of_empty(signs, nothing_empty), 0)


def test_a_sign_that_never_changes_says_nothing():
    signs, empty, dice = masks(0)
    signs[..., 1] = 0.5
    assert np.isfinite(DicePredictor.fit(signs, empty, dice)(signs, empty)).all()


def test_an_image_is_predicted_without_its_own_fold():
    signs, empty, dice = masks(0, num_images=40)
    folds = np.arange(40) % 4
    found = predict_out_of_fold(signs, empty, dice, folds)
    other = dice.copy()
    other[folds == 2] = 0.123
    again = predict_out_of_fold(signs, empty, other, folds)
    np.testing.assert_array_equal(found[folds == 2], again[folds == 2])
    assert (found[folds == 1] != again[folds == 1]).any()
