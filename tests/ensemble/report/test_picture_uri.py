import base64

import cv2
import numpy as np
import pytest

from ensemble.report.picture_uri import PAGE_BYTES, picture_uri, share_of_page


def decoded(uri):
    head, _, data = uri.partition(",")
    assert head == "data:image/webp;base64"
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def test_a_picture_comes_back_in_its_colours():
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :30] = 220, 40, 20
    shown = decoded(picture_uri(picture)).astype(int)
    assert shown.shape == picture.shape
    assert np.abs(shown - picture).mean() < 10
    assert shown[20, 10, 0] > 180 > 80 > shown[20, 10, 2]


@pytest.mark.parametrize("most_bytes", [30_000, 3000, 800])
def test_noise_is_made_smaller_until_it_fits(most_bytes):
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)
    uri = picture_uri(noise, most_bytes=most_bytes)
    assert len(uri) <= most_bytes + 40
    height, width = decoded(uri).shape[:2]
    assert height / width == pytest.approx(1.5, rel=0.1)


def test_what_never_fits_is_still_a_picture():
    noise = np.random.default_rng(0).integers(0, 256, (70, 70, 3), np.uint8)
    assert min(decoded(picture_uri(noise, most_bytes=10)).shape[:2]) >= 16


def test_many_pictures_share_a_page():
    assert share_of_page(1000) * 1000 <= PAGE_BYTES
    assert share_of_page(0) == share_of_page(1)


@pytest.mark.parametrize("size", [(1, 20_000), (20_000, 3), (40, 17_000)])
def test_a_side_is_no_longer_than_a_webp_allows(size):
    height, width, _ = decoded(picture_uri(np.full((*size, 3), 90, np.uint8))).shape
    assert 1 <= min(height, width) <= min(size)
    assert max(height, width) <= 16383
