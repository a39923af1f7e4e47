import pytest

from ensemble.cli.durations import format_duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (3599, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_durations_are_for_people(seconds, text):
    assert format_duration(seconds) == text
