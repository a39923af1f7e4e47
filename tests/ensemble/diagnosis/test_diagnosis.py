import numpy as np
import pytest

import reference
from ensemble.bit_planes import Label, pack
from ensemble.data.datasets import open_labelled
from ensemble.diagnosis.diagnosis import PredictedFolder, diagnose
from ensemble.diagnosis.notes import take_notes
from ensemble.errors import DataError
from ensemble.evaluate import evaluate
from ensemble.runs.rle import RleFormat
from predicted_data import NAMES, stacks, write_predicted_data


@pytest.fixture(scope="module")
def truth_and_prediction():
    return stacks()


@pytest.fixture
def data(tmp_path, truth_and_prediction):
    folder, predictions = write_predicted_data(tmp_path, *truth_and_prediction)
    return PredictedFolder.open(predictions, open_labelled(folder), RleFormat())


def test_figures_are_those_of_the_dense_masks(data, truth_and_prediction):
    truth, predicted = truth_and_prediction
    found = diagnose(data)
    assert found.scores.class_names == NAMES
    confusion = np.zeros((5, 5), np.int64)
    with np.errstate(invalid="ignore"):
        for i, name in enumerate(found.scores.image_names):
            a, b = (masks[name.removesuffix(".png")] for masks in (truth, predicted))
            both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
            dice = [reference.dice(p, t) for p, t in zip(b, a, strict=True)]
            np.testing.assert_allclose(found.scores.dice[i], dice)
            np.testing.assert_allclose(found.precision[i], both / b.sum((1, 2)))
            np.testing.assert_allclose(found.recall[i], both / a.sum((1, 2)))
            np.testing.assert_allclose(found.iou[i], both / either, atol=1e-5)
            expected = [reference.surface_distances_px(p, q) for p, q in zip(a, b, strict=True)]
            np.testing.assert_allclose(found.surface_px[i], expected, rtol=1e-5)
            confusion += reference.confusion(a, b, np.zeros(a.shape[1:], bool))
    np.testing.assert_array_equal(found.confusion, confusion)
    assert np.isnan(found.precision[1, 1])  # Ulna is missed whole
    assert np.isnan(found.recall[0, 3])  # Pisiform is invented


def test_scores_are_those_without_a_diagnosis(data, tmp_path):
    scores = evaluate(tmp_path / "predictions.csv", data.labelled)
    found = diagnose(data).scores
    np.testing.assert_array_equal(found.dice, scores.dice)
    assert (found.image_names, found.groups) == (scores.image_names, scores.groups)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(data, threads):
    first, second = diagnose(data), diagnose(data, threads=threads)
    for name in ("counts", "boxes", "verdicts", "confusion", "shared"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_without_a_table_of_persons_there_are_no_groups(data, tmp_path):
    assert {group.column for group in diagnose(data).by_person} == {"age", "sex"}
    (tmp_path / "metadata.csv").rename(tmp_path / "other.csv")
    assert diagnose(data).by_person is None
    assert diagnose(data, metadata=tmp_path / "other.csv").by_person
    with pytest.raises(DataError, match=r"none\.csv"):
        diagnose(data, metadata=tmp_path / "none.csv")


def test_the_table_of_persons_is_looked_for_from_the_data_folder(data, tmp_path):
    """Two levels above the data folder, as `ens explore` does."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    data.labelled.folder.rename(deep / "data")
    moved = PredictedFolder.open(data.table.table.path, open_labelled(deep / "data"), RleFormat())
    assert diagnose(moved).by_person is None  # three levels
    (tmp_path / "metadata.csv").rename(tmp_path / "a" / "metadata.csv")
    assert diagnose(moved).by_person


def test_a_table_of_something_else_is_a_note(data, tmp_path):
    (tmp_path / "metadata.csv").write_text("image,score\na,1\n", encoding="utf-8")
    found = diagnose(data)
    assert found.by_person is None
    assert any("has no column ID and is not used" in note.text for note in take_notes(found))


def test_a_sample_is_read_with_its_prediction(data, truth_and_prediction):
    truth, predicted = truth_and_prediction
    sample = data.labelled.samples[2]
    runs, label = data.read(sample)
    stem = sample.name.removesuffix(".png")
    assert isinstance(label, Label)
    np.testing.assert_array_equal(label.planes, pack(truth[stem]))
    assert [int(mask[:, 1].sum()) for mask in runs] == predicted[stem].sum((1, 2)).tolist()
