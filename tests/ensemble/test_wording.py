import pytest

from ensemble.wording import counted


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((0, "image"), "0 images"),
        ((1, "image"), "1 image"),
        ((2, "image"), "2 images"),
        ((1, "row is", "rows are"), "1 row is"),
        ((3, "row is", "rows are"), "3 rows are"),
    ],
)
def test_one_thing_stands_in_the_singular(words, expected):
    assert counted(*words) == expected
