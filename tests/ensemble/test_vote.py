"""Votes over prediction files, and the command."""

import json
import tracemalloc

import numpy as np
import pytest
from click.testing import CliRunner
from layouts import write_blank

import reference
from ensemble.cli.main import main
from ensemble.data.datasets import open_images
from ensemble.errors import ConfigError, DataError, RleError
from ensemble.outputs.rle_csv import write_predictions
from ensemble.runs.rle import RleFormat
from ensemble.runs.rle_table import open_rle_table
from ensemble.vote import VoteSettings, vote_files

SIZES = {"b.png": (7, 12), "a.png": (9, 5), "c, d.png": (6, 6)}
NAMES = ("Ulna", "NA")
KEYS = [(image, name) for image in SIZES for name in NAMES]


@pytest.fixture
def masks():
    """Three files' masks by image and class; one class is empty in one of them."""
    rng = np.random.default_rng(0)
    files = [{(i, c): rng.random(SIZES[i]) < 0.5 for i, c in KEYS} for _ in range(3)]
    files[1]["a.png", "NA"][:] = False
    return files


def write(folder, files, *, keys=None, **rle):
    """Prediction files, each with its rows in another order."""
    paths = [folder / f"{number}.csv" for number in range(len(files))]
    for number, (path, file) in enumerate(zip(paths, files, strict=True)):
        rows = [(*key, reference.rle_string(file[key], **rle)) for key in keys or file]
        write_predictions(path, rows[::-1] if number == 1 else rows)
    return paths


def rows_of(path):
    table = open_rle_table(path)
    return [(i, c, text) for i in table.places for c, text in table.strings(i).items()]


def expected(files, weights, threshold, **rle):
    return [
        (*key, reference.rle_string(reference.vote(stack, weights, threshold), **rle))
        for key in files[0]
        for stack in [np.stack([file[key] for file in files])]
    ]


@pytest.mark.parametrize(
    ("weights", "threshold"), [((1, 1, 1), 0.5), ((2, 1, 1), 0.5), ((0.3, 0.1, 0.2), 0.25)]
)
@pytest.mark.parametrize("rle", [{}, {"order": "column", "base": 0}])
def test_votes_are_those_of_the_dense_masks(tmp_path, masks, weights, threshold, rle):
    paths = write(tmp_path, masks, **rle)
    settings = VoteSettings(weights, threshold, read=RleFormat(**rle))
    summary = vote_files(paths, tmp_path / "out" / "v.csv", settings)
    assert rows_of(summary.path) == expected(masks, weights, threshold, **rle)
    assert (summary.num_images, summary.num_rows, summary.num_missing) == (3, 6, 0)


@pytest.mark.parametrize("order", ["row", "column"])
def test_order_and_base_may_change_where_sizes_are_known(tmp_path, masks, order):
    write_blank(tmp_path / "images", SIZES)
    other = "column" if order == "row" else "row"
    settings = VoteSettings(read=RleFormat(order, 0), written=RleFormat(other, 1))
    paths = write(tmp_path, masks, order=order, base=0)
    summary = vote_files(
        paths, tmp_path / "v.csv", settings, images=open_images(tmp_path / "images")
    )
    assert rows_of(summary.path) == expected(masks, (1, 1, 1), 0.5, order=other, base=1)
    with pytest.raises(ConfigError, match=f"runs in {order} order cannot be .*--images"):
        vote_files(paths, tmp_path / "v.csv", settings)


def test_one_file_is_identity(tmp_path, masks):
    (path,) = write(tmp_path, masks[:1])
    summary = vote_files([path], tmp_path / "v.csv")
    assert summary.path.read_bytes() == path.read_bytes()


def test_missing_rows_are_listed_or_count_as_empty(tmp_path, masks):
    lacking = {key: mask for key, mask in masks[1].items() if key[0] != "b.png"}
    extra = masks[2] | {("e.png", "Ulna"): np.ones((2, 2), bool)}
    paths = write(tmp_path, [masks[0], lacking, extra])
    with pytest.raises(
        DataError,
        match=r"4 rows of .* missing: got \S*0.csv has no e.png, Ulna, \S*1.csv has no b.png, Ulna",
    ):
        vote_files(paths, tmp_path / "v.csv")
    assert not (tmp_path / "v.csv").exists()
    summary = vote_files(paths, tmp_path / "v.csv", VoteSettings(missing="empty"))
    filled = [
        {key: file.get(key, np.zeros(extra[key].shape, bool)) for key in extra}
        for file in (masks[0], lacking, extra)
    ]
    assert rows_of(summary.path) == expected(filled, (1, 1, 1), 0.5)
    assert summary.num_missing == 4


def test_a_malformed_string_is_named_by_file_line_image_and_class(tmp_path, masks):
    first, second, _ = write(tmp_path, masks)
    rows = rows_of(second)
    write_predictions(second, [(*rows[0][:2], "5 2 6 1"), *rows[1:]])
    with pytest.raises(RleError, match=r"1.csv: line 2: c, d.png, NA: run 2 of 2 overlaps"):
        vote_files([first, second], tmp_path / "v.csv")
    assert not (tmp_path / "v.csv").exists()


def test_a_run_may_end_at_the_last_pixel_but_not_behind_it(tmp_path):
    write_blank(tmp_path / "images", {"a.png": (3, 4)})
    images = open_images(tmp_path / "images")
    path = tmp_path / "p.csv"
    write_predictions(path, [("a.png", "x", "10 3")])
    vote_files([path], tmp_path / "v.csv", images=images)
    write_predictions(path, [("a.png", "x", "10 4")])
    vote_files([path], tmp_path / "v.csv")
    with pytest.raises(RleError, match=r"line 2: a.png, x: run 1 of 1 ends past the last pixel"):
        vote_files([path], tmp_path / "v.csv", images=images)


def test_images_of_another_folder_are_refused(tmp_path, masks):
    write_blank(tmp_path / "images", {"z.png": (3, 4)})
    with pytest.raises(DataError, match=r"0.csv"):
        vote_files(
            write(tmp_path, masks), tmp_path / "v.csv", images=open_images(tmp_path / "images")
        )


def test_strings_are_not_held(tmp_path):
    """200 strings of 20 kB in each file, of which one is held at a time."""
    text = " ".join(f"{2 * start + 1} 1" for start in range(3000))
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        write_predictions(path, [(f"{number}.png", "x", text) for number in range(200)])
    vote_files(paths, tmp_path / "v.csv")
    tracemalloc.start()
    vote_files(paths, tmp_path / "v.csv")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 50 * len(text)


def run(*words):
    return CliRunner().invoke(main, ["vote", *map(str, words)])


def test_the_command_says_what_wins(tmp_path, masks):
    paths = write(tmp_path, masks)
    answer = run(*paths, "--weights", "2,1,1", "--threshold", "0.4", "--out", tmp_path / "v.csv")
    assert answer.exit_code == 0, answer.output
    assert "more than 0.4 of the summed weight 4 (2, 1, 1)." in answer.stdout
    assert answer.stdout.endswith("v.csv: 6 rows of 3 images\n")
    assert rows_of(tmp_path / "v.csv") == expected(masks, (2, 1, 1), 0.4)


def test_the_command_changes_the_format_and_answers_json(tmp_path, masks):
    write_blank(tmp_path / "images", SIZES)
    words = ["--images", tmp_path / "images", "--out-order", "column", "--out-base", "0", "--json"]
    answer = run(*write(tmp_path, masks), *words, "--out", tmp_path / "v.csv")
    assert json.loads(answer.stdout)["num_rows"] == 6
    assert rows_of(tmp_path / "v.csv") == expected(masks, (1, 1, 1), 0.5, order="column", base=0)


def test_the_command_says_what_counted_as_empty(tmp_path, masks):
    paths = write(tmp_path, [masks[0], {KEYS[0]: masks[1][KEYS[0]]}])
    answer = run(*paths, "--missing", "empty", "--out", tmp_path / "v.csv")
    first, *lines = answer.stdout.splitlines()
    assert first == "5 rows that a file lacks counted as empty masks:"
    assert lines[:5] == [f"  {paths[1]} has no {image}, {name}" for image, name in KEYS[1:]]
    assert lines[5].startswith("A pixel wins")


def test_the_command_lists_the_first_few_missing_rows(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    write_predictions(paths[0], [(f"{number}.png", "x", "") for number in range(9)])
    write_predictions(paths[1], [("0.png", "x", "")])
    answer = run(*paths, "--missing", "empty", "--out", tmp_path / "v.csv")
    assert answer.stdout.splitlines()[5:7] == [f"  {paths[1]} has no 5.png, x", "  and 3 more"]


def test_one_row_of_one_image_stands_in_the_singular(tmp_path):
    write_predictions(tmp_path / "a.csv", [("a.png", "x", "1 2")])
    answer = run(tmp_path / "a.csv", "--out", tmp_path / "v.csv")
    assert answer.stdout.endswith("v.csv: 1 row of 1 image\n")


def test_a_file_that_votes_is_not_written_over(tmp_path, masks):
    paths = write(tmp_path, masks)
    (tmp_path / "link.csv").symlink_to(paths[1])
    before = paths[1].read_bytes()
    answer = run(*paths, "--out", tmp_path / "link.csv")
    assert answer.exit_code == 1
    assert "link.csv: the result would overwrite what it is made from" in answer.stderr
    assert paths[1].read_bytes() == before


def test_a_file_does_not_vote_twice(tmp_path, masks):
    paths = write(tmp_path, masks)
    answer = run(*paths, tmp_path / "x" / ".." / "1.csv", "--out", tmp_path / "v.csv")
    assert answer.exit_code == 1
    assert f"a file is given twice: got {paths[1]} (to count" in answer.stderr
    assert "--weights" in answer.stderr


def test_files_without_rows_are_refused(tmp_path, masks):
    paths = write(tmp_path, masks)
    write_predictions(paths[2], [])
    for words in ([paths[2]], [*paths, "--missing", "empty"]):
        answer = run(*words, "--out", tmp_path / "v.csv")
        assert answer.exit_code == 1
        assert answer.stderr == f"Error: {paths[2]}: holds no rows\n"
    assert not (tmp_path / "v.csv").exists()


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (["--weights", "1,1"], 1, "weights do not fit the files: expected 3, one a file, got 2"),
        (["--weights", "1,1,x"], 2, "no list of numbers"),
        (["--weights", "0,0,0"], 1, "weights cannot be used"),
        (["--threshold", "1"], 1, "a threshold cannot be used"),
        (["--out-order", "column"], 1, "--images"),
        (["none.csv"], 1, "none.csv: cannot be read"),
        (["--images", "none"], 1, "none"),
    ],
)
def test_errors_of_the_command_are_one_line(tmp_path, masks, words, code, what):
    answer = run(*write(tmp_path, masks), *words, "--out", tmp_path / "v.csv")
    assert answer.exit_code == code, answer.output
    assert what in answer.stderr
    assert code == 2 or answer.stderr.count("\n") == 1
