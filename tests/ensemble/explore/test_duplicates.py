from pathlib import Path

import cv2
import numpy as np
import pytest
from layouts import write_png

from ensemble.data.datasets import Sample
from ensemble.explore.duplicates import HASH_BITS, find_copies, find_equal_labels, image_hashes
from ensemble.explore.looks import grey_levels, look_at


def scene(seed, size=(150, 200)):
    """Blobs of light, as different as two people."""
    rng = np.random.default_rng(seed)
    noise = cv2.resize(rng.random((12, 16)).astype(np.float32), size[::-1])
    return (40 + 150 * noise).astype(np.uint8)


def hashes(*images):
    return image_hashes(np.stack([look_at(i, grey_levels(i), 0).thumbnail for i in images]))


def write(folder, **images):
    paths = [write_png(folder / f"{name}.png", image) for name, image in images.items()]
    return [Sample(path.name, path, path.stem) for path in paths]


COPIES = {
    "halved": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5),
    "brighter": lambda image: (image * 1.2).astype(np.uint8),
    "of 16 bit": lambda image: image.astype(np.uint16) * 200,
    "encoded anew": lambda image: cv2.imdecode(
        cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_GRAYSCALE
    ),
    "coloured": lambda image: np.repeat(image[:, :, None], 3, 2),
}


@pytest.mark.parametrize("change", COPIES)
def test_a_changed_copy_is_found_and_others_are_not(tmp_path, change):
    images = {f"i{seed}": scene(seed) for seed in range(12)} | {"copy": COPIES[change](scene(3))}
    samples = write(tmp_path, **images)
    found = find_copies(samples, hashes(*images.values()))
    assert [(c.first, c.second, c.is_mirrored, c.is_same_file) for c in found] == [
        (3, 12, False, False)
    ]


def test_a_mirrored_copy_is_told_from_a_straight_one(tmp_path):
    images = {"a": scene(0), "b": scene(0)[:, ::-1].copy(), "c": scene(1), "d": scene(1)}
    found = find_copies(write(tmp_path, **images), hashes(*images.values()))
    assert {(c.first, c.second, c.is_mirrored, c.is_same_file) for c in found} == {
        (0, 1, True, False),
        (2, 3, False, True),
    }
    assert found[0].is_same_file or found[0].bits < found[1].bits


def test_images_with_few_frequencies_are_copies_only_of_the_same_ones(tmp_path):
    row = scene(1)[:1]
    images = {
        "row": row, "longer": scene(2)[:1], "column": row.T.copy(), "dot": row[:, :1],
        "black": np.zeros((40, 90), np.uint8), "again": np.zeros((30, 30), np.uint8),
    }  # fmt: skip
    found = find_copies(write(tmp_path, **images), hashes(*images.values()))
    assert [(copy.first, copy.second, copy.bits) for copy in found] == [(4, 5, 0)]


def test_pairs_across_two_folders_have_one_image_on_each_side(tmp_path):
    here = {"a": scene(0), "b": scene(0), "c": scene(1)}
    there = {"x": scene(2), "y": scene(1)}
    found = find_copies(
        write(tmp_path / "here", **here),
        hashes(*here.values()),
        write(tmp_path / "there", **there),
        hashes(*there.values()),
    )
    assert [(c.first, c.second, c.bits) for c in found] == [(2, 1, 0)]


def test_distances_are_those_of_the_bits_in_any_block(monkeypatch):
    monkeypatch.setattr("ensemble.explore.duplicates._BLOCK", 3)
    monkeypatch.setattr("ensemble.explore.duplicates.NEAR_BITS", HASH_BITS)
    monkeypatch.setattr("ensemble.explore.duplicates._ODD_COLUMNS", np.zeros(HASH_BITS, bool))
    bits = np.random.default_rng(0).random((8, HASH_BITS)) < 0.5
    samples = [Sample(str(i), Path(str(i)), str(i)) for i in range(8)]
    found = {(c.first, c.second): c.bits for c in find_copies(samples, bits)}
    assert found == {(a, b): (bits[a] != bits[b]).sum() for a in range(8) for b in range(a + 1, 8)}


def test_equal_labels_are_sets_of_the_same_sums_and_size():
    rng = np.random.default_rng(0)
    sums = rng.integers(0, 1000, (7, 3, 6))
    sums[4] = sums[6] = sums[1]
    sums[2] = sums[5] = 0
    sizes = np.tile([30, 40], (7, 1))
    assert find_equal_labels(sums, sizes) == [(1, 4, 6)]
    sizes[4] = [40, 30]
    assert find_equal_labels(sums, sizes) == [(1, 6)]
