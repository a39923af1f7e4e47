import cv2
import numpy as np

from ensemble.compare.comparison import compare_files
from ensemble.compare.pictures import difference_pictures
from ensemble.data.datasets import open_images
from ensemble.outputs.rle_csv import write_predictions
from ensemble.progress import silent
from ensemble.runs.rle import encode, format_pairs


def test_a_strip_shows_the_image_and_the_mask_of_each_file(tmp_path):
    (tmp_path / "test").mkdir()
    grey = np.full((100, 200), 90, np.uint8)
    cv2.imwrite(str(tmp_path / "test" / "a.png"), grey)
    mask = np.zeros(grey.shape, bool)
    mask[40:60, 50:150] = True
    for order in ("row", "column"):
        paths = []
        for name, shown in (("full", mask), ("none", np.zeros_like(mask))):
            text = format_pairs(encode(shown, order=order))
            paths.append(tmp_path / f"{name}-{order}.csv")
            write_predictions(paths[-1], [("a.png", "x", text)])
        found = compare_files(paths, images=open_images(tmp_path / "test"))

        (strip,) = difference_pictures(
            found, [(0, 0)], found.image_files, order=order, progress=silent
        )

        plain, full, none = np.array_split(strip, 3, axis=1)
        assert strip.shape[0] == 240
        assert (plain[20:-20, 20:-20] == 90).all()
        assert (none[20:-20, 20:-20] == 90).all()
        middle = full[120, full.shape[1] // 2].astype(int)
        assert middle[0] > middle[2] + 50
