import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from browser import dump_dom, needs_browser
from ensemble.cli.main import main
from ensemble.outputs.rle_csv import write_predictions
from ensemble.runs.rle import encode, format_pairs

SIZE = (60, 80)


def block(top, left, side=20):
    mask = np.zeros(SIZE, bool)
    mask[top : top + side, left : left + side] = True
    return mask


@pytest.fixture
def folder(tmp_path):
    """Two images and two files, which agree on all but Radius in 손.png."""
    (tmp_path / "test").mkdir()
    for name in ("a", "손"):
        image = np.random.default_rng(0).integers(0, 256, SIZE, np.uint8)
        (tmp_path / "test" / f"{name}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    for file, moved in (("one", 0), ("two", 10)):
        rows = [
            (f"{name}.png", kind, format_pairs(encode(mask)))
            for name, shift in (("a", 0), ("손", moved))
            for kind, mask in (("Radius", block(10, 10 + shift)), ("Ulna", block(30, 40)))
        ]
        write_predictions(tmp_path / f"{file}.csv", rows)
    return tmp_path


def compare(folder, *words):
    files = [str(folder / "one.csv"), str(folder / "two.csv")]
    return CliRunner().invoke(main, ["compare", *files, "--out", str(folder / "out"), *words])


def test_the_command_tells_and_writes_a_page_with_its_tables(folder):
    result = compare(folder, "--images", str(folder / "test"))
    assert result.exit_code == 0, result.output
    assert "one and two join at a Dice of 0.8750." in result.stdout
    assert result.stdout.rstrip().endswith("out/index.html")
    classes = (folder / "out" / "classes.csv").read_text(encoding="utf-8").splitlines()
    assert classes[0] == "class,Dice,least,empty in one,empty in two"
    assert classes[1:] == ["Radius,0.75,0.5,0,0", "Ulna,1,1,0,0"]
    images = (folder / "out" / "images.csv").read_text(encoding="utf-8").splitlines()
    assert images[1] == "손.png,0.75,Radius,0.5"
    page = (folder / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/webp") == 1
    assert "손.png, Radius" in page


def test_a_program_may_read_it(folder):
    told = json.loads(compare(folder, "--json").stdout)
    assert told["dice"][0][1] == pytest.approx(0.875)
    assert told["per_image"] == pytest.approx({"a.png": 1.0, "손.png": 0.75})
    assert "Differences" not in (folder / "out" / "index.html").read_text(encoding="utf-8")


def test_images_that_are_not_those_of_the_files_are_told(folder):
    (folder / "test" / "a.png").unlink()
    result = compare(folder, "--images", str(folder / "test"))
    assert result.exit_code == 1
    assert "a.png" in result.stderr
    assert "comparing" not in result.stderr


def test_a_table_of_somebody_else_is_not_written_over(folder):
    (folder / "classes.csv").write_text("mine")
    result = compare(folder, "--out", str(folder))
    assert result.exit_code == 1
    assert "is not empty: expected a new or empty folder, or that of an earlier page" in (
        result.stderr
    )
    assert (folder / "classes.csv").read_text() == "mine"


@needs_browser
def test_the_page_opens_without_a_complaint_and_finds_a_class(folder):
    compare(folder, "--images", str(folder / "test"))
    page = dump_dom(folder / "out" / "index.html", "#q=radius")
    assert "Radius" in page
