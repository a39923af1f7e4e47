import json
import re

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
    assert page.count("data:image/webp") == 4
    assert "<b>Radius</b> in 손.png: Dice 0.5000" in page
    assert {"image", "differences", "one: 400 px", "two: 400 px"} <= set(
        re.findall("<p>([^<]*)</p>", page)
    )
    for slug in ("notes", "files", "clusters", "classes", "images", "differences"):
        assert f'id="{slug}"' in page
    assert "dendrogram of files" in page
    assert page.count(">Dice</text>") == 1
    dice = (folder / "out" / "dice.csv").read_text(encoding="utf-8").splitlines()
    assert dice[0] == "file a,file b,image,class,Dice"
    assert "one,two,손.png,Radius,0.5" in dice
    assert {path.name for path in (folder / "out").glob("*.csv")} == {
        f"{name}.csv"
        for name in ("files", "matrix", "clusters", "classes", "images", "masks", "dice")
    }


def test_a_program_may_read_it(folder):
    told = json.loads(compare(folder, "--json").stdout)
    assert told["dice"][0][1] == pytest.approx(0.875)
    assert told["per_image"] == pytest.approx({"a.png": 1.0, "손.png": 0.75})
    assert told["mean_with_others"] == pytest.approx({"one": 0.875, "two": 0.875})
    assert told["clusters"] == [{"first": ["one"], "second": ["two"], "dice": pytest.approx(0.875)}]
    assert told["per_mask"]["손.png"] == pytest.approx({"Radius": 0.5, "Ulna": 1.0})
    assert told["most_different"] == [
        {
            "image": "손.png",
            "class": "Radius",
            "dice": pytest.approx(0.5, abs=1e-4),
            "least_dice": pytest.approx(0.5, abs=1e-4),
            "least_alike": ["one", "two"],
            "areas_px": {"one": 400, "two": 400},
        }
    ]
    assert [note["weight"] for note in told["notes"]] == ["look", "look"]
    assert "Differences" not in (folder / "out" / "index.html").read_text(encoding="utf-8")


def test_pairs_without_a_row_are_not_told(folder):
    for file in ("one", "two"):
        path = folder / f"{file}.csv"
        path.write_text("".join(path.read_text(encoding="utf-8").splitlines(True)[:-1]), "utf-8")
    told = json.loads(compare(folder, "--json").stdout, parse_constant=pytest.fail)
    assert list(told["per_mask"]["손.png"]) == ["Radius"]
    assert list(told["per_mask"]["a.png"]) == ["Radius", "Ulna"]


def test_another_order_of_pixels_is_hinted_at(folder):
    for file, order in (("one", "row"), ("two", "column")):
        rows = [
            (f"{name}.png", kind, format_pairs(encode(mask, order=order)))
            for name in ("a", "손")
            for kind, mask in (("Radius", block(38, 5)), ("Ulna", block(2, 55)))
        ]
        write_predictions(folder / f"{file}.csv", rows)
    result = compare(folder)
    (line,) = [line for line in result.stderr.splitlines() if "note:" in line]
    assert "one and two have much the same areas, but hardly overlap" in line
    assert "--rle-order column" in line
    page = (folder / "out" / "index.html").read_text(encoding="utf-8")
    assert "one and two have much the same areas" in page


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
