import cv2
import numpy as np
import pytest

from ensemble.errors import OutputError
from ensemble.report.picture_file import write_picture


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".bmp"])
def test_a_picture_comes_back(tmp_path, suffix):
    picture = np.random.default_rng(0).integers(0, 256, (5, 9, 3), np.uint8)
    path = tmp_path / f"a{suffix}"
    write_picture(path, picture)
    np.testing.assert_array_equal(cv2.imread(str(path))[:, :, ::-1], picture)


def test_what_no_format_can_hold_is_told(tmp_path):
    with pytest.raises(OutputError, match=r"sheet.txt: is no name of a picture: .*\.webp, \.png"):
        write_picture(tmp_path / "sheet.txt", np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(OutputError, match=r"cannot hold a picture of 1 x 20000 pixels"):
        write_picture(tmp_path / "sheet.webp", np.zeros((1, 20000, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
