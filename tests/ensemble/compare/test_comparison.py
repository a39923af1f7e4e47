import numpy as np
import pytest

import reference
from ensemble.compare.comparison import compare_files
from ensemble.errors import ConfigError, DataError
from ensemble.outputs.rle_csv import write_predictions
from ensemble.runs.rle import encode, format_pairs

SIZE = (20, 30)
CLASSES = ("a", "b", "c")


def drawn(seed, num_images=4):
    """Masks (N, C, H, W) of a file; the last class is often empty."""
    rng = np.random.default_rng(seed)
    return rng.random((num_images, 3, *SIZE)) < np.array([0.5, 0.1, 0.0015])[:, None, None]


def write(path, masks, skip=()):
    rows = [
        (f"{n}.png", name, format_pairs(encode(mask)))
        for n, image in enumerate(masks)
        for name, mask in zip(CLASSES, image, strict=True)
        if (n, name) not in skip
    ]
    write_predictions(path, rows)
    return path


def test_dice_of_every_pair_is_that_of_dense_masks(tmp_path):
    files = [drawn(seed) for seed in range(3)]
    paths = [write(tmp_path / f"{f}.csv", masks) for f, masks in enumerate(files)]

    found = compare_files(paths)

    assert (found.names, found.class_names) == (("0", "1", "2"), CLASSES)
    assert found.pairs == ((0, 1), (0, 2), (1, 2))
    expected = np.array(
        [
            [[reference.dice(files[a][n, c], files[b][n, c]) for c in range(3)] for n in range(4)]
            for a, b in found.pairs
        ]
    )
    np.testing.assert_allclose(found.dice, expected, atol=1e-12)
    np.testing.assert_array_equal(found.areas_px, [f.sum((2, 3)) for f in files])
    np.testing.assert_allclose(found.matrix[0, 2], expected[1].mean())
    np.testing.assert_allclose(found.of_classes, expected.mean((0, 1)))
    np.testing.assert_allclose(found.of_images, expected.mean((0, 2)))
    np.testing.assert_allclose(found.of_masks, expected.mean(0))
    np.testing.assert_allclose(found.least, expected.min(0))
    means = expected.mean((1, 2))
    np.testing.assert_allclose(found.with_others[0], means[:2].mean())
    np.testing.assert_allclose(found.with_others[1], means[[0, 2]].mean())
    assert found.furthest(2, 0) == found.pairs[expected[:, 2, 0].argmin()]


def test_rows_that_a_file_lacks_are_empty_masks_if_asked_for(tmp_path):
    masks = drawn(0)
    whole = write(tmp_path / "whole.csv", masks)
    part = write(tmp_path / "part.csv", masks, skip={(1, "a"), (2, "b")})
    both = [(3, "c")]
    neither = [write(tmp_path / f"{n}.csv", masks, skip=set(both)) for n in "xy"]

    with pytest.raises(DataError, match=r"2 rows of other files are missing: got .*part.csv"):
        compare_files([whole, part])
    found = compare_files([whole, part], missing="empty")
    assert len(found.joined.missing) == 2
    assert found.dice[0, 1, 0] < 0.01
    assert found.dice[0, 0, 0] == 1
    nobody = compare_files(neither)
    assert np.isnan(nobody.dice[0, 3, 2])
    assert np.isnan(nobody.least[3, 2])
    assert nobody.of_classes[2] == 1


def test_the_most_different_are_of_every_class_in_turn(tmp_path):
    first, second = drawn(0), drawn(0)
    second[0, 0], second[1, 0], second[2, 1] = False, ~first[1, 0], ~first[2, 1]
    paths = [write(tmp_path / f"{n}.csv", masks) for n, masks in enumerate((first, second))]
    found = compare_files(paths)
    assert set(found.most_different(9)) == {(0, 0), (1, 0), (2, 1)}
    assert {c for _, c in found.most_different(2)} == {0, 1}


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["a.csv", "b.v2.csv"], ["a", "b.v2"]),
        (["a.csv", "a.txt"], ["a.csv", "a.txt"]),
        (["x/pred.csv", "y/pred.csv", "y/other.csv"], ["x/pred", "y/pred", "y/other"]),
        (["x/pred.csv", "x/pred.txt", "y/pred.csv"], ["x/pred.csv", "x/pred.txt", "y/pred.csv"]),
    ],
)
def test_files_have_the_shortest_names_that_tell_them_apart(tmp_path, files, names):
    paths = [tmp_path / "deep" / name for name in files]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, drawn(0, 1))
    assert compare_files(paths).names == tuple(names)


def test_one_file_alone_and_one_given_twice_are_refused(tmp_path):
    path = write(tmp_path / "a.csv", drawn(0))
    with pytest.raises(ConfigError, match="two files or more, got 1"):
        compare_files([path])
    with pytest.raises(ConfigError, match=r"given twice: got .*a\.csv \(name each file once\)"):
        compare_files([path, tmp_path / ".." / tmp_path.name / "a.csv"])
