import json
import re
from contextlib import nullcontext
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from layouts import write_contest, write_index_maps, write_mask_folders, write_png

from browser import dump_dom, needs_browser, screenshot
from ensemble.cli.main import main
from ensemble.explore.exploration import explore
from ensemble.explore.notes import take_notes
from ensemble.explore.odd_masks import pick_odd_masks
from ensemble.explore.page import make_page
from ensemble.explore.sections.pictures import odd_mask_pictures, pair_picture
from ensemble.explore.tables import all_tables
from ensemble.progress import silent
from ensemble.report.page import render, write_page
from ensemble.report.picture_uri import picture_uri
from faulty_data import NAMES, image, write_faulty_data

ALL = [
    "notes", "images", "areas", "positions", "overlaps", "outliers", "faults", "copies", "sides",
    "persons", "shift",
]  # fmt: skip


class Links(HTMLParser):
    """Addresses inside the page, what they point at, and files beside it."""

    def __init__(self):
        super().__init__()
        self.ids, self.inside, self.files, self.alts = set(), set(), set(), []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids.add(given.get("id"))
        if tag == "a":
            target = given["href"]
            (self.inside if target.startswith("#") else self.files).add(target.removeprefix("#"))
        if tag == "img":
            self.alts.append(given["alt"])


def read(path):
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    return links


def test_images_of_one_row_or_column_have_pictures_too(tmp_path):
    sizes = {"row": (1, 50), "longer": (1, 30_000), "column": (50, 1), "dot": (1, 1), "x": (30, 40)}
    for stem, size in sizes.items():
        label = np.zeros(size, np.uint8)
        label[0, : size[1] // 2 + 1] = 255
        write_png(
            tmp_path / "data" / "images" / f"{stem}.png", np.full(size, 90, np.uint8) + label // 3
        )
        write_png(tmp_path / "data" / "masks" / "a" / f"{stem}.png", label)
    found = explore(tmp_path / "data")
    alts = read(write_page(tmp_path / "out", make_page(found))).alts
    assert {f"image {stem}.png" for stem in sizes} <= set(alts)


@pytest.fixture
def folder(tmp_path):
    return write_faulty_data(tmp_path)


def test_a_page_has_a_section_for_all_that_the_data_tell(folder, tmp_path):
    found = explore(folder / "train", against=folder / "test")
    path = write_page(tmp_path / "out", make_page(found))
    assert [section.slug for section in make_page(found).sections] == ALL
    links = read(path)
    assert links.inside <= links.ids
    written = {p.name for p in (tmp_path / "out").iterdir()}
    assert links.files <= written
    filled = {table.file_name for table in all_tables(found)}
    assert written == {"index.html", *filled}
    assert f"mean mask of {NAMES[0]}" in links.alts
    assert "image ID00/사진 L.png" in links.alts
    assert any("beside ID10/사진 L.png" in alt for alt in links.alts)


def test_pictures_of_outliers_show_their_place(folder):
    """Person 11's masks swap sides, which makes their places outliers."""
    tasks = []

    def progress(task, total):
        tasks.append((task, total))
        return nullcontext(lambda _: None)

    found = explore(folder / "train")
    page = render(make_page(found, progress=progress))
    odd_masks = pick_odd_masks(found.labels.outliers)
    assert tasks == [("drawing outliers", len(odd_masks))]
    assert {"ID11/사진 L.png", "ID11/사진 R.png"} <= {
        found.survey.samples[odd.image].name for odd in odd_masks
    }
    for odd in odd_masks:
        name, image_name = NAMES[odd.class_index], found.survey.samples[odd.image].name
        picture = odd_mask_pictures(found, [odd], silent)[0]
        uri = picture_uri(picture, most_bytes=40_000)
        assert f'src="{uri}" alt="{name} in {image_name}"' in page
    assert "place across: z" in page


def test_pairs_of_copies_show_both_images(folder):
    found = explore(folder / "train", against=folder / "test")
    page = render(make_page(found))
    here, there = found.survey.samples, found.against.survey.samples
    pairs = [(copy, here) for copy in found.copies] + [(c, there) for c in found.against.copies]
    assert len(pairs) == 3
    for copy, others in pairs:
        one, two = here[copy.first], others[copy.second]
        uri = picture_uri(pair_picture(one, two), most_bytes=40_000)
        assert f'src="{uri}" alt="{one.name} beside {two.name}"' in page


def test_images_alone_make_a_page(folder, tmp_path):
    found = explore(folder / "test")
    assert [section.slug for section in make_page(found).sections] == [
        "notes", "images", "faults", "copies", "persons",
    ]  # fmt: skip
    assert read(write_page(tmp_path / "out", make_page(found))).inside == {
        "notes", "images", "faults", "copies", "persons", "content",
    }  # fmt: skip


def test_exclusive_classes_have_no_overlaps_to_show(tmp_path):
    maps = {f"i{i}": np.eye(20, 30 + i, dtype=np.uint8) for i in range(9)}
    write_index_maps(tmp_path, maps, "names: [background, bone]\nexclusive: true\nignore: 9\n")
    page = make_page(explore(tmp_path))
    slugs = [section.slug for section in page.sections]
    assert "figures of" not in render(page)
    assert "overlaps" not in slugs
    assert "areas" in slugs


def test_one_image_of_one_pixel_is_enough(tmp_path, monkeypatch):
    write_png(tmp_path / "a.png", np.zeros((1, 1), np.uint8))
    monkeypatch.chdir(tmp_path)
    page = render(make_page(explore(Path())))
    assert "1 x 1 (1 of 1)" in page
    assert f"<title>{tmp_path.name}</title>" in page


def run(*args):
    return CliRunner().invoke(main, ["explore", *map(str, args)])


def test_the_command_ends_with_the_name_of_its_page(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", "--against", "test", "--groups", "(ID[0-9]+|p[0-9]+|copy)")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[-1] == "train-explored/index.html"
    assert lines[0].startswith("wrong  ")
    assert (tmp_path / "train-explored" / "images.csv").is_file()
    assert "reading train: 24/24" in result.stderr


def test_json_holds_what_the_page_shows_and_nothing_else_is_printed(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train", "--against", "test", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert set(found) == {"page", "tables", "counts", "notes"}
    assert found["page"] == "train-explored/index.html"
    written = {p.name for p in (tmp_path / "train-explored").iterdir()}
    assert {Path(path).name for path in found["tables"].values()} == written - {"index.html"}
    assert found["tables"]["copies"] == "train-explored/copies.csv"
    assert (found["counts"]["images"], found["counts"]["images_to_compare"]) == (24, 15)
    assert found["counts"]["pairs_of_copies"] == 2
    assert {"weight": "wrong", "section": "areas",
            "text": "Classes that no image has: never."} in found["notes"]  # fmt: skip
    assert run("test", "--json", "--out", "x").stdout.count("\n") == 1


def test_the_outlying_masks_of_the_facts_are_those_of_the_notes(folder):
    found = explore(folder / "train")
    outliers = found.labels.outliers
    twice = [*outliers, replace(outliers[0], what="area")]
    page = make_page(replace(found, labels=replace(found.labels, outliers=twice)))
    assert (f"{len(outliers)}", "outlying masks") in page.facts
    assert any(note.text.startswith(f"{len(outliers)} of ") for note in take_notes(found))
    assert f"{len(twice)} figures of {len(outliers)} masks" in render(page)


def test_hands_are_said_to_be_turned(tmp_path):
    rng = np.random.default_rng(0)
    stacks = {}
    for i in range(10):
        masks = np.zeros((4, 40, 60), bool)
        for c, (y, x) in enumerate(((20, 6), (8, 18), (5, 30), (9, 42))):
            start = x + int(rng.integers(3))
            masks[c, y : y + 12, start : start + 7] = True
        stacks[f"i{i}"] = masks[:, :, ::-1] if i % 3 == 0 else masks
    write_mask_folders(tmp_path, ["thumb", "a", "b", "c"], stacks)
    for i in range(10):
        write_png(tmp_path / "images" / f"i{i}.png", image(i)[:40, :60])
    sections = {s.slug: "".join(s.blocks) for s in make_page(explore(tmp_path)).sections}
    for slug in ("notes", "positions", "outliers"):
        assert "4 of 10 images show their classes the other way round" in sections[slug]


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["nowhere"], "cannot be listed"),
        (["empty"], "holds no image"),
        (["train", "--metadata", "none.csv"], "none.csv: cannot be read"),
        (["train", "--against", "train"], "compared with itself"),
        (["train", "--out", "metadata.csv/x"], "cannot be written"),
        (["train", "--groups", "^x"], "do not match"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_1(folder, tmp_path, monkeypatch, args, what):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    result = run(*args)
    assert result.exit_code == 1
    error = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(error) == 1
    assert what in error[0]
    assert result.output.rstrip().endswith(error[0])


@needs_browser
def test_an_image_is_found_by_its_korean_name_and_a_class_by_its_own(folder, tmp_path):
    path = write_page(
        tmp_path / "out", make_page(explore(folder / "train", against=folder / "test"))
    )
    shown = dump_dom(path, "#q=ID03/%EC%82%AC%EC%A7%84")
    cards = re.findall(r'<li class="card" data-search="([^"]*)"( hidden="")?>', shown)
    seen = [terms for terms, hidden in cards if not hidden]
    assert seen
    assert all("ID03/사진" in terms for terms in seen)
    assert len(seen) < len(cards) / 4
    assert re.search(r'<li class="look" data-search="[^"]*ID03/사진 R.png', shown)
    spine = dump_dom(path, "#q=spine")
    assert re.search(r"[1-9]\d* hits", spine)
    assert screenshot(path, tmp_path / "narrow.png", size=(400, 900)).mean() > 180


@needs_browser
def test_a_page_of_a_contest_folder_draws_without_an_error(tmp_path):
    ring = [[5, 5], [5, 25], [30, 25]]
    polygons = {f"ID{i}/x": [("Ulna", ring), ("Radius", [[40, 2], [40, 60], [60, 30]])]
                for i in range(3)}  # fmt: skip
    write_contest(tmp_path, polygons, (50, 70))
    cv2.imwrite(str(tmp_path / "DCM" / "ID1" / "x.png"), cv2.resize(image(1), (70, 50)))
    shown = dump_dom(write_page(tmp_path / "out", make_page(explore(tmp_path))))
    assert "out of bounds" in shown
