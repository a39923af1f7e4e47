from itertools import combinations

import cv2
import numpy as np

from ensemble.report.pictures import (
    ERROR_COLOURS,
    ERROR_PALETTES,
    class_colours,
    error_map,
    fit_height,
    overlay_masks,
    picture_sheet,
    resized,
    tint,
    to_rgb,
    width_at,
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


def test_a_picture_of_a_height_keeps_its_aspect_ratio_within_reason():
    assert [width_at(100, (200, width)) for width in (400, 1, 1200, 1201, 90_000)] == [
        200, 16, 600, 600, 600,
    ]  # fmt: skip
    assert fit_height(np.zeros((1, 50, 3), np.uint8), 40).shape == (40, 240, 3)
    assert fit_height(np.zeros((50, 1, 3), np.uint8), 40).shape == (40, 6, 3)


def test_thin_lines_are_not_lost_where_a_picture_gets_smaller():
    lines = np.zeros((40, 40, 3), np.uint8)
    lines[::4] = 200
    np.testing.assert_array_equal(resized(lines, (10, 10)), 50)
    assert set(np.unique(resized(lines[:3], (9, 40)))) > {0, 200}


# How cones of one kind that are missing change linear RGB (Machado, Oliveira and Fernandes, 2009).
COLOUR_BLIND = [
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
     [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
     [-0.01182, 0.04294, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
     [0.004733, 0.691367, 0.3039]],
    np.eye(3),
]  # fmt: skip


def least_difference(colours, seen_as):
    """The smallest distance of two colours in CIELAB, as an eye sees them."""
    linear = (np.array(colours) / 255) ** 2.2 @ np.transpose(seen_as)
    lab = cv2.cvtColor(
        np.clip(linear, 0, 1).astype(np.float32)[None] ** np.float32(1 / 2.2), cv2.COLOR_RGB2LAB
    )[0]
    return min(np.linalg.norm(a - b) for a, b in combinations(lab, 2))


def test_the_safe_colours_stay_apart_for_every_kind_of_eye():
    safe, contest = (list(ERROR_PALETTES[name].values()) for name in ("safe", "contest"))
    assert min(least_difference(safe, eye) for eye in COLOUR_BLIND) > 25
    assert min(least_difference(contest, eye) for eye in COLOUR_BLIND) < 15
    assert set(ERROR_PALETTES["safe"]) == set(ERROR_PALETTES["contest"])


def test_a_thin_line_stays_visible_in_a_small_picture():
    mask = np.zeros((600, 900), bool)
    mask[301] = True
    shown = tint(np.zeros((150, 225, 3), np.uint8), [(mask, (250, 200, 100))])
    assert shown.max() > 100
    assert not shown[:70].any()
