import csv
import json
import re
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from layouts import write_index_maps

from browser import dump_dom, needs_browser, screenshot
from ensemble.cli.main import main
from ensemble.data.datasets import open_labelled
from ensemble.diagnosis.diagnosis import PredictedFolder, diagnose
from ensemble.diagnosis.notes import take_notes
from ensemble.diagnosis.page import make_page, write_diagnosis
from ensemble.diagnosis.pictures import pick_images, pick_masks
from ensemble.diagnosis.tables import all_tables
from ensemble.report.page import render
from ensemble.runs.rle import RleFormat
from predicted_data import NAMES, stacks, write_predicted_data
from reference import rle_string

ALL = [
    "notes", "worst-images", "worst-classes", "classes", "images", "errors", "confusion",
    "overlaps", "boundaries", "persons",
]  # fmt: skip


@pytest.fixture
def found(tmp_path):
    folder, predictions = write_predicted_data(tmp_path, *stacks())
    return diagnose(PredictedFolder.open(predictions, open_labelled(folder), RleFormat()))


def diagnose_maps(folder, truth, predicted, class_list):
    write_index_maps(folder, truth, f"names: [{', '.join(class_list)}]\nexclusive: true\n")
    rows = [
        f"{stem}.png,{name},{rle_string(values == c)}"
        for stem, values in predicted.items()
        for c, name in enumerate(class_list)
    ]
    (folder / "p.csv").write_text("\n".join(["image_name,class,rle", *rows]))
    return diagnose(PredictedFolder.open(folder / "p.csv", open_labelled(folder), RleFormat()))


def test_a_page_has_all_sections_and_its_tables_beside_it(found, tmp_path):
    path = write_diagnosis(tmp_path / "out", found)
    assert [section.slug for section in make_page(found).sections] == ALL
    html = path.read_text(encoding="utf-8")
    assert "Pisiform <b>" not in html
    assert "Pisiform &lt;b&gt;" in html
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written == {"index.html", *(table.file_name for table in all_tables(found))}
    slugs = set(re.findall(r'href="#([^"]+)"', html))
    assert slugs <= set(re.findall(r'id="([^"]+)"', html))


def test_every_case_is_drawn_with_six_pictures_while_progress_is_told(found):
    tasks = []

    def progress(task, total):
        tasks.append((task, total))
        return nullcontext(lambda _: None)

    page = render(make_page(found, progress=progress))
    cases = len(pick_images(found)) + len(pick_masks(found))
    assert tasks == [("drawing the worst", cases)]
    assert page.count('class="case"') == cases
    assert page.count('<img src="data:') == 6 * cases
    assert 'alt="missed (false negatives) of Ulna in ID00/사진_R.png"' in page


def test_an_error_map_stands_beside_its_percents_also_of_overlaps_alone(found):
    page = render(make_page(found))
    for chosen in pick_images(found):
        everywhere, overlaps = found.verdicts[chosen.image]
        told = re.search(f"{found.scores.image_names[chosen.image]}</b> (.*)</figcaption>", page)[1]
        right, *_, other = (f"{share:.1f} %" for share in 100 * everywhere / everywhere.sum())
        assert f"; {right} right, " in told
        assert f", {other} another class" in told
        assert ("; of overlaps " in told) == bool(overlaps.any())
        if overlaps.any():
            right, missed, *_ = (f"{share:.1f} %" for share in 100 * overlaps / overlaps.sum())
            assert f"; of overlaps {right} right, {missed} missed" in told


def test_colours_are_those_of_the_palette(found):
    safe, contest = (render(make_page(found, palette=name)) for name in ("safe", "contest"))
    assert "rgb(255 235 80)" in safe
    assert "rgb(255 235 80)" not in contest
    assert "rgb(240 200 40)" in contest


def test_notes_say_what_is_worst(found):
    notes = [(note.weight, note.text) for note in take_notes(found)]
    assert ("wrong", "1 mask is missed whole: Ulna.") in notes
    assert ("wrong", "1 mask is of a class that is not there: Pisiform <b>.") in notes
    worst = NAMES[found.scores.per_class.argmin()]
    assert any(text.startswith(f"{worst} has the lowest Dice, ") for _, text in notes)
    assert any("of Ulna is predicted as Radius" in text for _, text in notes)
    assert any(text.startswith("Of the pixels of two classes or more") for _, text in notes)
    assert {note.slug for note in take_notes(found)} <= set(ALL)


def worse_groups(found):
    told = [note.text for note in take_notes(found) if note.slug == "persons"]
    return [text.split(":")[0] for text in told]


def test_a_group_that_is_surely_worse_is_a_note(tmp_path, monkeypatch):
    truth, predicted = stacks(12)
    for stem in predicted:
        is_odd = int(stem[2:4]) % 2  # the men
        predicted[stem] = np.roll(truth[stem], 4, axis=1) if is_odd else truth[stem].copy()
    folder, path = write_predicted_data(tmp_path, truth, predicted)
    found = diagnose(PredictedFolder.open(path, open_labelled(folder), RleFormat()))
    assert worse_groups(found) == ["sex male"]
    monkeypatch.setattr("ensemble.diagnosis.notes._LEAST_PERSONS", 2)
    assert worse_groups(found) == ["sex male"]  # ages have men and women
    monkeypatch.setattr("ensemble.diagnosis.notes._LEAST_PERSONS", 7)
    assert worse_groups(found) == []


def test_a_table_that_tells_no_groups_says_so(found):
    sections = {s.slug: s for s in make_page(replace(found, by_person=())).sections}
    assert "No column of the table of persons" in "".join(sections["persons"].blocks)
    assert sections["persons"].tables == ()
    assert "persons" not in {s.slug for s in make_page(replace(found, by_person=None)).sections}


def test_exclusive_classes_and_a_perfect_prediction(tmp_path):
    values = {"x": np.eye(9, 12, dtype=np.uint8)}
    found = diagnose_maps(tmp_path, values, values, ["background", "line"])
    slugs = [section.slug for section in make_page(found).sections]
    assert slugs == [slug for slug in ALL if slug not in ("overlaps", "persons")]
    page = render(make_page(found))
    assert "Every mask is right to the pixel." in page
    assert page.count("Nothing is wrong.") == 2


def test_nothing_true_and_nothing_predicted_makes_a_page(tmp_path):
    empty = {"x": np.zeros((1, 1), np.uint8)}
    found = diagnose_maps(tmp_path, empty, empty, ["background", "line"])
    assert "no value" in render(make_page(found))


def run(*args):
    return CliRunner().invoke(main, ["evaluate", *map(str, args)])


def test_the_command_ends_with_the_name_of_its_page(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plain = run("predictions.csv", "test", "--out", "plain.csv")
    result = run("predictions.csv", "test", "--report", "errors", "--out", "scores.csv")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{plain.stdout}\nerrors/index.html\n"
    assert (tmp_path / "scores.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()
    assert "comparing: 8/8" in result.stderr
    lines = (tmp_path / "errors/classes.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))
    assert {row["class"] for row in rows} == set(NAMES)


def test_json_names_the_page(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("predictions.csv", "test", "--report", "errors", "--json")
    told = json.loads(result.stdout)
    assert told["report"] == "errors/index.html"
    assert told["mean_dice"] == pytest.approx(found.scores.mean)
    assert "report" not in json.loads(run("predictions.csv", "test", "--json").stdout)


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["none.csv", "test", "--report", "out"], "none.csv"),
        (["predictions.csv", "test", "--report", "metadata.csv/x"], "cannot be written"),
        (["predictions.csv", "test", "--report", "out", "--metadata", "no.csv"], "no.csv: cannot"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_1(found, tmp_path, monkeypatch, args, what):
    monkeypatch.chdir(tmp_path)
    result = run(*args)
    assert result.exit_code == 1
    errors = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert what in errors[0]


def test_a_table_of_persons_is_named_for_a_report_only(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metadata.csv").rename(tmp_path / "people.csv")
    named = run("predictions.csv", "test", "--report", "out", "--metadata", "people.csv")
    assert named.exit_code == 0, named.output
    assert (tmp_path / "out/persons.csv").is_file()
    alone = run("predictions.csv", "test", "--metadata", "people.csv")
    assert alone.exit_code == 2
    assert "--report" in alone.output


@pytest.mark.parametrize("name", ["safe", "contest"])
def test_the_command_takes_colours(found, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert run("predictions.csv", "test", "--report", "out", "--colours", name).exit_code == 0
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert ("rgb(255 235 80)" in page) == (name == "safe")


@needs_browser
def test_an_image_and_a_class_are_found_in_the_browser(found, tmp_path):
    path = write_diagnosis(tmp_path / "out", found)
    shown = dump_dom(path, "#q=ID01/%EC%82%AC%EC%A7%84_L")
    rows = re.findall(r'<tr data-search="([^"]*)"( hidden="")?>', shown)
    seen = [terms for terms, hidden in rows if not hidden]
    assert seen
    assert all("ID01/사진_L" in terms for terms in seen)
    cases = re.findall(r'<figure class="case" data-search="([^"]*)"( hidden="")?>', shown)
    assert {bool(hidden) for _, hidden in cases} == {True, False}
    assert all("ID01/사진_L" in terms for terms, hidden in cases if not hidden)
    ulna = dump_dom(path, "#q=ulna")
    assert re.search(r"[1-9]\d* hits", ulna)


@needs_browser
def test_a_page_draws_without_an_error_in_light_dark_and_narrow(found, tmp_path):
    path = write_diagnosis(tmp_path / "out", found)
    light, dark = (screenshot(path, tmp_path / f"{d}.png", is_dark=d) for d in (False, True))
    assert light.mean() > 180
    assert dark.mean() < 80
    assert screenshot(path, tmp_path / "narrow.png", size=(400, 900)).mean() > 180
