import numpy as np
import pytest
from layouts import write_index_maps

from ensemble.data.datasets import open_labelled
from ensemble.diagnosis.diagnosis import PredictedFolder, diagnose
from ensemble.diagnosis.pictures import Case, draw_case, pick_images, pick_masks
from ensemble.report.pictures import ERROR_PALETTES
from ensemble.runs.rle import RleFormat
from predicted_data import stacks, write_predicted_data
from reference import rle_string

COLOURS = ERROR_PALETTES["contest"]


@pytest.fixture
def truth_and_prediction():
    return stacks()


@pytest.fixture
def found(tmp_path, truth_and_prediction):
    folder, predictions = write_predicted_data(tmp_path, *truth_and_prediction)
    return diagnose(PredictedFolder.open(predictions, open_labelled(folder), RleFormat()))


def test_the_worst_come_first_and_what_is_right_never(found):
    dice = found.scores.dice
    images = [dice[case.image].mean() for case in pick_images(found)]
    assert images == sorted(dice.mean(1))[: len(images)]
    masks = [(case.class_index, dice[case.image, case.class_index]) for case in pick_masks(found)]
    classes = list(dict.fromkeys(c for c, _ in masks))
    assert classes == np.argsort(dice.mean(0))[: len(classes)].tolist()
    for c in classes:
        of_class = [value for index, value in masks if index == c]
        assert of_class == sorted(dice[:, c])[: len(of_class)]
    assert all(value < 1 for _, value in masks)


def test_a_perfect_prediction_shows_nothing(tmp_path):
    truth, _ = stacks()
    folder, predictions = write_predicted_data(tmp_path, truth, truth)
    found = diagnose(PredictedFolder.open(predictions, open_labelled(folder), RleFormat()))
    assert pick_images(found) == pick_masks(found) == []


def has(picture, colour, reach=60):
    """Whether a picture has pixels near a colour."""
    return bool((np.abs(picture.astype(int) - colour).max(2) < reach).any())


def test_a_mask_that_is_missed_whole_is_missed_in_its_pictures(found):
    drawn = draw_case(found, Case(1, 1), COLOURS)
    assert has(drawn.missed, COLOURS["missed"])
    assert has(drawn.errors, COLOURS["missed"])
    assert not has(drawn.extra, COLOURS["extra"])
    assert not has(drawn.errors, COLOURS["extra"])
    np.testing.assert_array_equal(drawn.prediction, drawn.image)
    assert (drawn.truth != drawn.image).any()


def test_a_mask_that_is_invented_is_extra_in_its_pictures(found):
    drawn = draw_case(found, Case(0, 3), COLOURS)
    assert has(drawn.extra, COLOURS["extra"])
    assert not has(drawn.missed, COLOURS["missed"])
    np.testing.assert_array_equal(drawn.truth, drawn.image)


def test_pictures_of_a_case_have_one_size_and_show_all_verdicts(found):
    drawn = draw_case(found, Case(1), COLOURS)
    parts = (drawn.truth, drawn.prediction, drawn.missed, drawn.extra, drawn.errors)
    assert {part.shape for part in parts} == {drawn.image.shape}
    for verdict in ("missed", "extra", "other"):
        assert has(drawn.errors, COLOURS[verdict])


def test_a_background_alone_is_shown_whole(tmp_path):
    write_index_maps(
        tmp_path, {"x": np.zeros((20, 30), np.uint8)}, "names: [background]\nexclusive: true\n"
    )
    (tmp_path / "p.csv").write_text("image_name,class,rle\nx.png,background,1 300\n")
    found = diagnose(PredictedFolder.open(tmp_path / "p.csv", open_labelled(tmp_path), RleFormat()))
    drawn = draw_case(found, pick_images(found)[0], COLOURS)
    assert drawn.image.shape[1] / drawn.image.shape[0] == pytest.approx(1.5, rel=0.01)


@pytest.mark.parametrize("background", [0, 1])
def test_images_are_shown_around_what_is_no_background(tmp_path, background):
    values = np.full((200, 300), background, np.uint8)
    values[50:70, 100:120] = 1 - background
    names = ["background", "bone"] if background == 0 else ["bone", "background"]
    write_index_maps(tmp_path, {"x": values}, f"names: [{', '.join(names)}]\nexclusive: true\n")
    moved = np.roll(values, 3, axis=0)
    rows = [f"x.png,{name},{rle_string(moved == c)}" for c, name in enumerate(names)]
    (tmp_path / "p.csv").write_text("\n".join(["image_name,class,rle", *rows]))
    found = diagnose(PredictedFolder.open(tmp_path / "p.csv", open_labelled(tmp_path), RleFormat()))
    drawn = draw_case(found, Case(0), COLOURS)
    height, width = 23 + 2 * 8, 20 + 2 * 8  # the box of both masks, and the least room around it
    assert (drawn.truth[0] == drawn.image[0]).all()  # nothing but the bone is tinted
    assert (drawn.truth != drawn.image).any()
    assert drawn.image.shape[1] / drawn.image.shape[0] == pytest.approx(width / height, rel=0.01)
