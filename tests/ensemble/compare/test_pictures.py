import cv2
import numpy as np
import pytest

from ensemble.compare.comparison import compare_files
from ensemble.compare.pictures import difference_legend, draw_difference
from ensemble.data.datasets import open_images
from ensemble.outputs.rle_csv import write_predictions
from ensemble.report.pictures import ERROR_PALETTES
from ensemble.runs.rle import encode, format_pairs

SAFE = ERROR_PALETTES["safe"]
BLUE, PINK, YELLOW, ORANGE = (SAFE[word] for word in ("right", "other", "missed", "extra"))


def block(size, top, bottom, left, right):
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


def draw(folder, masks, order="row"):
    """The pictures of masks of as many files on a grey image."""
    (folder / "test").mkdir(exist_ok=True)
    cv2.imwrite(str(folder / "test" / "a.png"), np.full(masks[0].shape, 90, np.uint8))
    paths = [folder / f"{order}{f}.csv" for f in range(len(masks))]
    for path, mask in zip(paths, masks, strict=True):
        write_predictions(path, [("a.png", "x", format_pairs(encode(mask, order=order)))])
    found = compare_files(paths, images=open_images(folder / "test"))
    return draw_difference(found, (0, 0), found.image_files, order)


def share(picture, colour):
    """Which part of a picture has about this colour at 85 % over a dark ground."""
    expected = 0.85 * np.array(colour) + 0.15 * 0.7 * 90
    return float((np.abs(picture - expected).max(axis=2) < 6).mean())


@pytest.mark.parametrize("order", ["row", "column"])
def test_the_image_and_the_mask_of_each_file_show_the_same_part(tmp_path, order):
    size = (100, 200)
    pictures = draw(tmp_path, [block(size, 40, 60, 50, 150), np.zeros(size, bool)], order)
    full, empty = pictures.masks
    assert {p.shape for p in (pictures.differences, full, empty)} == {pictures.image.shape}
    np.testing.assert_array_equal(pictures.image, 90)
    np.testing.assert_array_equal(empty, pictures.image)
    middle = full[full.shape[0] // 2, full.shape[1] // 2].astype(int)
    assert middle[1] > middle[0] + 60
    assert (full[0] == 90).all()
    assert (full[:, 0] == 90).all()


def test_of_two_files_one_sees_which_holds_what_the_other_lacks(tmp_path):
    size = (100, 200)
    shown = draw(tmp_path, [block(size, 40, 60, 50, 100), block(size, 40, 60, 60, 120)]).differences
    both, first, second = (share(shown, colour) for colour in (BLUE, PINK, ORANGE))
    assert both == pytest.approx(4 * first, rel=0.1)
    assert both == pytest.approx(2 * second, rel=0.1)
    legend = difference_legend(["p", "q"])
    assert legend[:3] == [(BLUE, "in both files"), (PINK, "in p only"), (ORANGE, "in q only")]
    assert legend[3][0] not in (BLUE, PINK, YELLOW, ORANGE)


def test_of_more_files_one_sees_how_many_hold_a_pixel(tmp_path):
    size = (100, 200)
    masks = [block(size, 40, 60, 50, end) for end in (60, 80, 120, 120)]
    masks[3][40:60, 120:130] = True
    shown = draw(tmp_path, masks).differences
    everybody, half, one = (share(shown, colour) for colour in (BLUE, YELLOW, ORANGE))
    assert half == pytest.approx(6 * everybody, rel=0.15)
    assert one == pytest.approx(everybody, rel=0.15)
    assert [colour for colour, _ in difference_legend("pqrs")[:3]] == [BLUE, YELLOW, ORANGE]


@pytest.mark.parametrize("box", [(100, 500, 300, 310), (300, 310, 0, 600)])
def test_long_masks_are_shown_with_what_lies_beside_them(tmp_path, box):
    size = (600, 600)
    pictures = draw(tmp_path, [block(size, *box), np.zeros(size, bool)])
    height, width = pictures.image.shape[:2]
    assert min(height, width) / max(height, width) == pytest.approx(0.75, abs=0.02)


def test_a_part_is_never_larger_than_its_image(tmp_path):
    size = (30, 10)
    pictures = draw(tmp_path, [np.ones(size, bool), block(size, 0, 1, 0, 1)])
    assert pictures.image.shape[0] / pictures.image.shape[1] == pytest.approx(3, rel=0.02)
