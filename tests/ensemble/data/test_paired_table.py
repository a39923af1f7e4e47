import re

import pytest

from ensemble.data.datasets import open_labelled
from ensemble.data.paired_table import PairedTable
from ensemble.errors import DataError, RleError
from ensemble.runs.rle import RleFormat, area
from predicted_data import NAMES, stacks, write_predicted_data


@pytest.fixture
def opened(tmp_path):
    truth, predicted = stacks()
    folder, path = write_predicted_data(tmp_path, truth, predicted)
    return open_labelled(folder), path, predicted


def rewrite(path, pattern, text):
    path.write_text(re.sub(pattern, text, path.read_text(encoding="utf-8")), encoding="utf-8")


def test_runs_are_those_of_each_image_class_by_class(opened):
    labelled, path, predicted = opened
    table = PairedTable.open(path, labelled)
    for sample in labelled.samples:
        masks = predicted[sample.name.removesuffix(".png")]
        runs = table.runs(sample, NAMES, masks.shape[1:], RleFormat())
        assert [area(mask) for mask in runs] == masks.sum((1, 2)).tolist()
        turned = table.runs(sample, NAMES[::-1], masks.shape[1:], RleFormat())
        assert [area(mask) for mask in turned] == masks.sum((1, 2)).tolist()[::-1]


@pytest.mark.parametrize(
    ("pattern", "text", "what"),
    [
        ("ID00/사진_L.png,Ulna,.*\\n", "", r"1 row is missing.*Ulna in ID00/사진_L\.png"),
        ("Lunate", "Moon", r"1 class is not in the labels.*Moon"),
        ("ID03", "ID33", "do not pair up"),
    ],
)
def test_what_is_missing_or_unknown_is_listed(opened, pattern, text, what):
    labelled, path, _ = opened
    rewrite(path, pattern, text)
    with pytest.raises(DataError, match=what):
        PairedTable.open(path, labelled)


def test_a_malformed_string_is_told_with_its_line_image_and_class(opened):
    labelled, path, _ = opened
    rewrite(path, "(ID00/사진_L.png,Ulna,).*", r"\g<1>5 x")
    table = PairedTable.open(path, labelled)
    with pytest.raises(RleError, match=r"line 3: ID00/사진_L\.png, Ulna"):
        table.runs(labelled.samples[0], NAMES, (50, 70), RleFormat())
