import numpy as np
import pytest
from layouts import write_mask_folders

from ensemble.data.datasets import open_labelled
from ensemble.data.folds import grouped_folds


@pytest.fixture
def hands(tmp_path):
    names = [f"ID{n}/{side}" for n in range(6) for side in "LR"]
    write_mask_folders(tmp_path / "data", ["c"], {name: np.ones((1, 4, 5), bool) for name in names})
    return open_labelled(tmp_path / "data")


@pytest.fixture
def hand_folds(hands):
    """Three folds of the hands, (12,)."""
    return grouped_folds([sample.group for sample in hands.samples], 3, seed=0)
