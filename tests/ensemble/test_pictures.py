import numpy as np

from ensemble.pictures import (
    ERROR_COLOURS,
    class_colours,
    error_map,
    overlay_masks,
    picture_sheet,
    to_rgb,
)


def test_every_class_has_its_own_colour():
    assert len(np.unique(class_colours(29), axis=0)) == 29


def test_errors_have_the_contests_colours():
    true = np.array([[[1, 1, 0, 0, 1]], [[0, 0, 0, 0, 0]]], bool)
    predicted = np.array([[[1, 0, 1, 0, 0]], [[0, 0, 0, 0, 1]]], bool)
    picture = error_map(predicted, true)[0]
    words = ("right", "missed", "extra", None, "other")
    assert [tuple(pixel) for pixel in picture.tolist()] == [
        ERROR_COLOURS[word] if word else (0, 0, 0) for word in words
    ]


def test_an_overlay_changes_masks_only():
    picture = np.full((20, 30, 3), 90, np.uint8)
    masks = np.zeros((2, 20, 30), bool)
    masks[0, 4:9, 4:9] = masks[1, 7:15, 7:20] = True
    changed = (overlay_masks(picture, masks) != picture).any(2)
    assert (changed == masks.any(0)).all()
    assert (picture == 90).all()


def test_a_sheet_holds_pictures_of_any_size_and_depth():
    grey = to_rgb(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100)
    assert grey.dtype == np.uint8
    assert grey.max() == 255
    sheet = picture_sheet([[("a", grey), ("b", grey)], [("c", grey[:, :7])]], height=40)
    assert sheet.shape[0] > 2 * 40
