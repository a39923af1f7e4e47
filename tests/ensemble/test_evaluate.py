from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from layouts import write_index_maps, write_mask_folders

import reference
from ensemble.cli.main import main
from ensemble.data.datasets import open_labelled
from ensemble.errors import DataError, RleError
from ensemble.evaluate import evaluate, write_scores
from reference import rle_string

NAMES = ["NA", "nan", "Pisiform"]  # names that a CSV reader may take for missing values
STEMS = ["a/one", "a/two_R", "b/three", "b/four"]


@pytest.fixture
def truth():
    rng = np.random.default_rng(0)
    stacks = {stem: rng.random((3, 9 + i, 14 - i)) < 0.4 for i, stem in enumerate(STEMS)}
    stacks["a/one"][2] = False
    return stacks


@pytest.fixture
def predicted(truth):
    rng = np.random.default_rng(1)
    stacks = {stem: masks ^ (rng.random(masks.shape) < 0.2) for stem, masks in truth.items()}
    stacks["a/one"][2] = False
    stacks["b/four"][0] = False
    return stacks


@pytest.fixture
def folder(tmp_path, truth):
    write_mask_folders(tmp_path / "test", NAMES, truth)
    quoted = ", ".join(f'"{name}"' for name in NAMES)
    (tmp_path / "classes.yaml").write_text(f"names: [{quoted}]\n")
    return tmp_path / "test"


def table(stacks, *, full=False, **rle):
    return [
        [f"{stem if full else stem.split('/')[-1]}.png", name, rle_string(mask, **rle)]
        for stem, masks in stacks.items()
        for name, mask in zip(NAMES, masks, strict=True)
    ]


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["image_name", "class", "rle"], *rows])
    return path


def dense(predicted, truth):
    return np.array(
        [
            [reference.dice(a, b) for a, b in zip(predicted[stem], truth[stem], strict=True)]
            for stem in sorted(truth)
        ]
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("rle", [{}, {"order": "column", "base": 0}])
def test_scores_are_those_of_the_dense_masks(tmp_path, folder, predicted, truth, full, rle):
    path = write(tmp_path / "p.csv", table(predicted, full=full, **rle))
    scores = evaluate(path, open_labelled(folder), **rle)
    expected = dense(predicted, truth)
    assert scores.image_names == tuple(f"{stem}.png" for stem in sorted(STEMS))
    np.testing.assert_allclose(scores.dice, expected, atol=1e-12)
    np.testing.assert_allclose(scores.per_class, expected.mean(0))
    assert scores.mean == pytest.approx(expected.mean())
    assert scores.dice[scores.image_names.index("a/one.png"), 2] == 1  # both empty
    assert scores.groups == ("a", "a", "b", "b")


def test_the_order_of_the_rows_does_not_matter(tmp_path, folder, predicted):
    rows = table(predicted)
    forward = evaluate(write(tmp_path / "p.csv", rows), open_labelled(folder))
    backward = evaluate(write(tmp_path / "q.csv", rows[::-1]), open_labelled(folder))
    np.testing.assert_array_equal(forward.dice, backward.dice)


def test_ignored_pixels_do_not_count(tmp_path):
    values = np.array([[0, 1, 255], [1, 1, 255]], np.uint8)
    write_index_maps(
        tmp_path / "d",
        {"x": values},
        "names: [background, thing]\nexclusive: true\nignore: 255\n",
    )
    rows = [
        ["x.png", "background", rle_string(values == 0)],
        ["x.png", "thing", rle_string(values > 0)],
    ]
    scores = evaluate(write(tmp_path / "p.csv", rows), open_labelled(tmp_path / "d"))
    np.testing.assert_allclose(scores.dice, 1)


def test_intervals_are_over_groups(tmp_path, folder, predicted):
    path = write(tmp_path / "p.csv", table(predicted))
    scores = evaluate(path, open_labelled(folder))
    found = scores.mean_interval()
    assert found.low[0] <= scores.mean <= found.high[0]
    assert scores.class_intervals().low.shape == (3,)
    alone = evaluate(path, open_labelled(folder, groups=r"\.png"))
    assert alone.mean_interval() is None


def drop(rows, image=None, name=None):
    return [row for row in rows if not ((image in (None, row[0])) and (name in (None, row[1])))]


@pytest.mark.parametrize(
    ("change", "error", "expected"),
    [
        (
            lambda rows: drop(rows, "one.png"),
            DataError,
            r"1 image without prediction \(a/one\.png\)",
        ),
        (lambda rows: drop(rows, "one.png", "NA"), DataError, r"1 row is missing: .*NA in a/one"),
        (lambda rows: drop(rows, None, "nan"), DataError, r"4 rows are missing: got no nan in"),
        (
            lambda rows: [*rows, ["five.png", "NA", ""]],
            DataError,
            r"1 prediction without image \(five\.png\)",
        ),
        (lambda rows: [*rows, ["a/one.png", "NA", ""]], DataError, r"under two names: got a/one"),
        (lambda rows: [*rows, rows[0]], DataError, r"line 14 repeats one\.png, NA of line 2"),
        (lambda rows: [*rows, ["one.png", "Ulna", ""]], DataError, r"1 class .*got Ulna"),
        (
            lambda rows: [*drop(rows, "one.png", "NA"), ["one.png", "NA", "120 9"]],
            RleError,
            r"p\.csv: line 13: a/one\.png, NA: run 1 of 1 .*inside 0\.\.125",
        ),
        (
            lambda rows: [*drop(rows, "one.png", "NA"), ["one.png", "NA", "1 2 3"]],
            RleError,
            r"one\.png, NA: .*pairs",
        ),
    ],
)
def test_what_does_not_pair_up_is_listed(tmp_path, folder, predicted, change, error, expected):
    path = write(tmp_path / "p.csv", change(table(predicted)))
    with pytest.raises(error, match=expected):
        evaluate(path, open_labelled(folder))


def test_base_names_that_two_images_share_are_refused(tmp_path):
    masks = np.ones((1, 4, 4), bool)
    write_mask_folders(tmp_path / "d", ["NA"], {"a/x": masks, "b/x": masks})
    path = write(tmp_path / "p.csv", [["x.png", "NA", "1 16"]])
    with pytest.raises(DataError, match=r"1 image name fits several images: got x\.png"):
        evaluate(path, open_labelled(tmp_path / "d"))
    full = [["a/x.png", "NA", "1 16"], ["b/x.png", "NA", ""]]
    scores = evaluate(write(tmp_path / "q.csv", full), open_labelled(tmp_path / "d"))
    np.testing.assert_allclose(scores.dice[:, 0], [1, 0], atol=1e-4)


def test_scores_are_written_image_by_class(tmp_path, folder, predicted, truth):
    scores = evaluate(write(tmp_path / "p.csv", table(predicted)), open_labelled(folder))
    write_scores(tmp_path / "s.csv", scores)
    with (tmp_path / "s.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["image_name", *NAMES]
    assert [row[0] for row in rows[1:]] == [f"{stem}.png" for stem in sorted(STEMS)]
    np.testing.assert_allclose(
        [[float(value) for value in row[1:]] for row in rows[1:]],
        dense(predicted, truth),
        atol=1e-6,
    )


def test_scores_are_written_whole_or_not_at_all(tmp_path, folder, predicted):
    scores = evaluate(write(tmp_path / "p.csv", table(predicted)), open_labelled(folder))
    write_scores(tmp_path / "s.csv", scores)
    before = (tmp_path / "s.csv").read_bytes()
    with pytest.raises(ValueError, match="zip"):
        write_scores(tmp_path / "s.csv", replace(scores, image_names=scores.image_names[:2]))
    assert (tmp_path / "s.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.glob("s.csv*")) == ["s.csv"]


def test_names_with_accents_in_two_pieces_pair_up(tmp_path):
    masks = np.ones((1, 4, 4), bool)
    write_mask_folders(tmp_path / "d", ["NA"], {"\u00e9": masks})
    path = write(tmp_path / "p.csv", [["e\u0301.png", "NA", "1 16"]])
    assert evaluate(path, open_labelled(tmp_path / "d")).mean == 1


def run(*words):
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


def test_the_command_prints_a_plain_table(tmp_path, folder, predicted, truth):
    path = write(tmp_path / "p.csv", table(predicted))
    answer = run(path, folder, "--out", tmp_path / "s.csv")
    assert answer.exit_code == 0, answer.output
    lines = [line.split() for line in answer.stdout.splitlines()]
    assert [line[0] for line in lines[1:5]] == [*NAMES, "mean"]
    assert lines[4][1] == f"{dense(predicted, truth).mean():.4f}"
    assert (tmp_path / "s.csv").is_file()


def test_the_command_answers_json(tmp_path, folder, predicted, truth):
    path = write(tmp_path / "p.csv", table(predicted, order="column", base=0))
    answer = run(path, folder, "--json", "--rle-order", "column", "--rle-base", "0")
    content = json.loads(answer.stdout)
    assert content["mean_dice"] == pytest.approx(dense(predicted, truth).mean())
    assert list(content["per_class"]) == NAMES
    assert (content["images"], content["groups"]) == (4, 2)
    assert content["interval"][0] <= content["mean_dice"] <= content["interval"][1]


def test_runs_that_count_the_other_way_are_pointed_out(tmp_path, folder, truth, predicted):
    words = write(tmp_path / "p.csv", table(truth, order="column")), folder
    note = "note: read with --rle-order column the first images have a Dice of 1.0000"
    assert note in run(*words).stderr
    assert "note" not in run(*words, "--rle-order", "column").stderr
    nonsense = {stem: np.roll(masks, 1, axis=0) for stem, masks in truth.items()}
    assert "note" not in run(write(tmp_path / "q.csv", table(nonsense)), folder).stderr


def test_errors_of_the_command_are_one_line(tmp_path, folder, predicted):
    path = write(tmp_path / "p.csv", table(predicted))
    for words in (
        (tmp_path / "none.csv", folder),
        (path, tmp_path / "none"),
        (path, folder, "--rle-base", "0", "--rle-order", "column"),
        (path, folder, "--out", path / "s.csv"),
        (path, folder, "--groups", "("),
    ):
        answer = run(*words)
        assert answer.exit_code == 1, words
        assert len(answer.stderr.strip().splitlines()) <= 2, words  # progress, then the error


def test_what_is_scored_is_not_written_over(tmp_path, folder, predicted):
    path = write(tmp_path / "p.csv", table(predicted))
    before = path.read_bytes()
    label = next(folder.rglob("*.png"))
    for out in (path, label):
        answer = run(path, folder, "--out", out)
        assert answer.exit_code == 1
        assert "would overwrite what it is made from" in answer.stderr
    assert path.read_bytes() == before


def test_help_shows_examples_line_by_line():
    lines = [line.strip() for line in run("--help").stdout.splitlines()]
    assert "ens evaluate predictions.csv test/" in lines
