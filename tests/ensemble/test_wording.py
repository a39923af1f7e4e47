import pytest

from ensemble.wording import counted, near_misses, shown


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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "nothing"),
        (True, "true"),
        ("a", "'a'"),
        ([1, 2], "[1, 2]"),
        ({"a": 1}, "a mapping"),
        (list(range(99)), "a list of 99"),
        ("x" * 99, "'" + "x" * 59 + "..."),
    ],
)
def test_values_are_shown_as_they_were_written_but_short(value, expected):
    assert shown(value) == expected


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["haert"], ", did you mean heart?"),
        (["haert", "left lnug", "hearts"], ", did you mean heart and left lung?"),
        (["spine"], ""),
    ],
)
def test_what_was_meant_is_asked(names, said):
    assert near_misses(names, ["heart", "left lung", "right lung"]) == said
