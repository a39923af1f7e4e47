import numpy as np
import pytest

import reference
from ensemble.data.datasets import open_labelled
from ensemble.diagnosis.diagnosis import PredictedFolder, diagnose
from ensemble.diagnosis.tables import (
    NO_CLASS,
    class_table,
    confusion_table,
    dice_table,
    image_table,
    mask_table,
    overlap_table,
    person_table,
    verdict_shares,
)
from ensemble.runs.rle import RleFormat
from predicted_data import NAMES, stacks, write_predicted_data


@pytest.fixture
def truth_and_prediction():
    return stacks()


@pytest.fixture
def found(tmp_path, truth_and_prediction):
    folder, predictions = write_predicted_data(tmp_path, *truth_and_prediction)
    return diagnose(PredictedFolder.open(predictions, open_labelled(folder), RleFormat()))


def rows_of(table):
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def test_classes_come_by_their_dice_with_what_is_missed_whole_or_invented(found):
    rows = rows_of(class_table(found))
    dice = dict(zip(NAMES, found.scores.dice.mean(0), strict=True))
    assert [row["class"] for row in rows] == sorted(NAMES, key=dice.get)
    for row in rows:
        assert row["Dice"] == pytest.approx(dice[row["class"]])
        assert row["low"] <= row["Dice"] <= row["high"]
    whole = {row["class"]: (row["images"], row["missed whole"], row["invented"]) for row in rows}
    assert whole == {
        "Radius": (8, 0, 0), "Ulna": (8, 1, 0), "Lunate": (8, 0, 0), "Pisiform <b>": (7, 0, 1),
    }  # fmt: skip


def test_images_come_by_their_dice(found):
    rows = rows_of(image_table(found))
    values = [row["Dice"] for row in rows]
    assert values == sorted(values)
    assert rows[0]["group"] in {"ID00", "ID01"}
    for row in rows:
        i = found.scores.image_names.index(row["image"])
        assert row["its Dice"] == found.scores.dice[i].min()
        assert NAMES[found.scores.dice[i].argmin()] == row["worst class"]
        shares = [row[f"{word} %"] for word in ("right", "missed", "extra", "another class")]
        assert sum(shares) == pytest.approx(100)


def test_masks_and_dice_hold_every_pair(found, truth_and_prediction):
    truth, predicted = truth_and_prediction
    rows = rows_of(mask_table(found))
    assert len(rows) == len(truth) * len(NAMES)
    row = next(r for r in rows if (r["image"], r["class"]) == ("ID01/사진_R.png", "Radius"))
    masks = [part["ID01/사진_R"][0] for part in (truth, predicted)]
    assert masks[0].sum() != masks[1].sum()
    counts = [row["true px"], row["predicted px"], row["both px"]]
    assert counts == [masks[0].sum(), masks[1].sum(), (masks[0] & masks[1]).sum()]
    wide = np.array([r[1:] for r in dice_table(found).rows])
    np.testing.assert_array_equal(wide, found.scores.dice)


def test_confusion_is_by_pixels_and_adds_up_to_what_is_wrong(found):
    rows = rows_of(confusion_table(found))
    pixels = [row["px"] for row in rows]
    assert pixels == sorted(pixels, reverse=True)
    taken = next(r for r in rows if (r["true class"], r["predicted as"]) == ("Ulna", "Radius"))
    ulna = found.counts[:, 1, 2].sum()
    assert taken["% of the true class"] == pytest.approx(100 * taken["px"] / ulna)
    assert all(np.isnan(r["% of the true class"]) for r in rows if r["true class"] == NO_CLASS)
    assert all(r["true class"] != r["predicted as"] for r in rows)


def test_overlaps_are_those_of_truth_and_prediction(found, truth_and_prediction):
    row = next(
        r
        for r in rows_of(overlap_table(found))
        if (r["class"], r["other class"]) == ("Lunate", "Pisiform <b>")
    )
    true, seen = ({k: v[2] & v[3] for k, v in part.items()} for part in truth_and_prediction)
    both = sum((true[k] & seen[k]).sum() for k in true)
    total = sum(mask.sum() for part in (true, seen) for mask in part.values())
    assert row["both px"] == both
    assert row["Dice of the shared px"] == pytest.approx(2 * both / total)


def test_persons_have_a_row_a_group(found):
    rows = rows_of(person_table(found))
    assert [(r["column"], r["group"], r["images"], r["persons"]) for r in rows[:2]] == [
        ("sex", "female", 4, 2),
        ("sex", "male", 4, 2),
    ]


def test_an_image_without_any_class_has_no_shares():
    shares = verdict_shares(np.array([[1, 1, 2, 0], [0, 0, 0, 0]]))
    np.testing.assert_array_equal(shares, [[0.25, 0.25, 0.5, 0], [np.nan] * 4])


def test_figures_of_classes_are_those_of_dense_masks(found, truth_and_prediction):
    """Every figure once more from the pixels, the slow way."""
    pairs = [[part[stem] for part in truth_and_prediction] for stem in truth_and_prediction[0]]
    for row in rows_of(class_table(found)):
        c = NAMES.index(row["class"])
        both = [(true[c] & predicted[c]).sum() for true, predicted in pairs]
        areas = [(true[c].sum(), predicted[c].sum()) for true, predicted in pairs]
        dice = [(2 * i + 1e-4) / (a + b + 1e-4) for i, (a, b) in zip(both, areas, strict=True)]
        iou = [(i + 1e-4) / (a + b - i + 1e-4) for i, (a, b) in zip(both, areas, strict=True)]
        precision = [i / b for i, (_, b) in zip(both, areas, strict=True) if b]
        recall = [i / a for i, (a, _) in zip(both, areas, strict=True) if a]
        far = [reference.surface_distances_px(true[c], found_[c]) for true, found_ in pairs]
        mean, high = np.nanmean(far, axis=0)
        expected = {
            "Dice": np.mean(dice), "median": np.median(dice), "worst": min(dice),
            "IoU": np.mean(iou), "precision": np.mean(precision), "recall": np.mean(recall),
            "distance px": mean, "95 % px": high,
        }  # fmt: skip
        assert {key: row[key] for key in expected} == pytest.approx(expected, rel=1e-5)


def test_percents_of_images_are_those_of_dense_masks(found, truth_and_prediction):
    truth, prediction = truth_and_prediction
    for row in rows_of(image_table(found)):
        true, predicted = (part[row["image"].removesuffix(".png")] for part in (truth, prediction))
        missed, extra = (true & ~predicted).any(0), (predicted & ~true).any(0)
        any_class = true.any(0) | predicted.any(0)
        several = (true.sum(0) > 1) | (predicted.sum(0) > 1)
        right = any_class & ~missed & ~extra
        shares = {
            "right %": right, "missed %": missed & ~extra, "extra %": extra & ~missed,
            "another class %": missed & extra,
        }  # fmt: skip
        for key, pixels in shares.items():
            assert row[key] == pytest.approx(100 * pixels.sum() / any_class.sum())
        if several.any():
            overlaps = 100 * (right & several).sum() / several.sum()
            assert row["overlaps right %"] == pytest.approx(overlaps)
