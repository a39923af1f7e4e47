import numpy as np
import pytest

from ensemble.compare.clusters import Merger, alike_groups, merger_text, mergers

MATRIX = np.array([[1, 0.9, 0.2, 0.3], [0.9, 1, 0.4, 0.1], [0.2, 0.4, 1, 0.8], [0.3, 0.1, 0.8, 1]])


def test_the_most_alike_join_first():
    assert mergers(MATRIX) == [
        Merger((0,), (1,), 0.9),
        Merger((2,), (3,), 0.8),
        Merger((0, 1), (2, 3), pytest.approx(0.25)),
    ]
    assert merger_text(mergers(MATRIX)[2], "abcd") == "a + b and c + d join at a Dice of 0.2500."


@pytest.mark.parametrize(
    ("least", "groups"),
    [(0.95, []), (0.9, [(0, 1)]), (0.8, [(0, 1), (2, 3)]), (0.1, [(0, 1, 2, 3)])],
)
def test_groups_are_as_large_as_their_dice_allows(least, groups):
    assert alike_groups(mergers(MATRIX), least) == groups
