import csv
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from browser import dump_dom, needs_browser, screenshot
from ensemble.appraisal.appraisal import Asked, appraise
from ensemble.appraisal.evidence import Evidence
from ensemble.appraisal.notes import take_notes
from ensemble.appraisal.page import write_appraisal
from ensemble.cli.main import main
from ensemble.data.datasets import open_images, open_labelled
from ensemble.fusion.soft_maps import CACHE_FOLDER
from ensemble.fusion.weights import uniform_weights
from ensemble.fusion.weights_file import read_weights
from ensemble.tuning.sources import single_sources
from ensemble.tuning.tune_weights import TuningSettings, tune_members
from ensemble.tuning.variants import Variant
from fakes import write_member_file
from spotters import CLASSES, members, spotter, write_folder

ALL = [
    "notes", "members", "losses", "agreement", "weights", "thresholds", "calibration", "views",
    "frontier", "trust", "review",
]  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A tuned ensemble, its evidence, other images to review, and the page of all."""
    folder = tmp_path_factory.mktemp("report")
    write_folder(folder / "val")
    write_folder(folder / "test", 4)
    data, cache = open_labelled(folder / "val"), folder / "cache"
    variants = (Variant(), Variant("hflip"))
    settings = TuningSettings(out=folder / "w.json", cache=cache, num_folds=3, variants=variants)
    tune_members(members(), data, settings)
    weights = read_weights(folder / "w.json")
    asked = Asked(cache, ("vflip",), open_images(folder / "test"))
    found = appraise(data, single_sources(members()), weights, asked)
    evidence = Evidence.read(folder / "w.json")
    return found, evidence, write_appraisal(folder / "out", found, evidence)


def table(page, name):
    with (page.parent / f"{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_page_has_all_sections_and_its_tables_beside_it(report):
    _, _, page = report
    html = page.read_text(encoding="utf-8")
    assert re.findall(r'<section id="([^"]+)"', html) == ALL
    tables = {path.stem for path in page.parent.glob("*.csv")}
    assert tables == {
        "members", "members-by-class", "losses-by-class", "agreement", "weights", "thresholds",
        "calibration", "views", "variants", "subsets", "predicted", "predicted-by-class", "review",
        "review-by-class",
    }  # fmt: skip
    assert html.count('class="case"') == 4
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(re.findall(r'id="([^"]+)"', html))


def test_tables_hold_the_figures(report):
    found, evidence, page = report
    rows = table(page, "members")
    assert [row["member"] for row in rows] == ["steady", "lights", "wild", "uniform", "ensemble"]
    assert float(rows[1]["Dice"]) == pytest.approx(np.nanmean(found.scores.alone[1]), abs=1e-5)
    assert float(rows[4]["Dice"]) == pytest.approx(found.dice.mean(), abs=1e-5)
    lost = float(rows[0]["lost without it"])
    assert lost == pytest.approx(found.scores.losses[0].mean(), abs=1e-5)
    assert float(rows[0]["low of loss"]) <= lost <= float(rows[0]["high of loss"])
    by_class = table(page, "weights")
    gain = evidence.of_class("dark", "gain_of_tuned", "mean")
    assert float(by_class[1]["gain of tuned"]) == pytest.approx(gain, abs=1e-5)
    assert by_class[1]["rule"] == evidence.rules["dark"]
    filtered = evidence.of_class("dark", "gain_of_filter", "mean")
    assert filtered != evidence.of_class("dark", "gain_of_filter", "low")
    assert float(by_class[1]["gain of filter"]) == pytest.approx(filtered, abs=1e-5)
    curve = {float(row["threshold"]): float(row["dark"]) for row in table(page, "thresholds")}
    at_best = float(by_class[1]["best threshold here"])
    nearest = min(curve, key=lambda threshold: abs(threshold - at_best))
    assert curve[nearest] == max(curve.values())
    assert float(by_class[1]["Dice there"]) == pytest.approx(max(curve.values()), abs=1e-5)
    review = [float(row["predicted Dice"]) for row in table(page, "review")]
    assert review == sorted(review)
    assert len(table(page, "predicted-by-class")) == 16
    assert {row["views"] for row in table(page, "views")} == {
        found.weights.views or "identity",
        "vflip",
    }
    assert len(table(page, "variants")) == 2
    bins = table(page, "calibration")
    assert sum(int(row["px"]) for row in bins) == round(found.calibration.pixels.sum())
    true = sum(float(row["true share"]) * int(row["px"]) for row in bins if row["class"] == "dark")
    assert true == pytest.approx(found.calibration.true[1].sum(), rel=1e-3)


def test_what_stands_out_is_said(report):
    found, evidence, page = report
    notes = [note.text for note in take_notes(found, evidence)]
    assert f"{evidence.out_of_fold:.4f} out of fold" in notes[0]
    assert notes[-1].startswith("Predicted Dice ")
    twins = [spotter("a", (0.1, 0.1)), spotter("b", (0.1, 0.1)), spotter("wild", (9.0, 9.0))]
    weights = uniform_weights(twins)
    asked = Asked(page.parent.parent / "cache")
    other = appraise(found.data, single_sources(twins), weights, asked)
    said = [note.text for note in take_notes(other, Evidence())]
    assert any(text.startswith("wild harms: the 95 % interval") for text in said)
    assert any("a and b draw nearly the same masks" in text for text in said)
    assert any(text.startswith("a alone: Dice") or text.startswith("b alone") for text in said)


def test_evidence_that_people_edited_is_read_as_far_as_it_goes():
    odd = Evidence({"score": {"kept": "much"}, "variants": [3, {"views": ""}]}, {}, {"a": {"g": 1}})
    assert np.isnan(odd.out_of_fold)
    assert np.isnan(odd.of_class("a", "g", "mean"))
    assert np.isnan(odd.of_class("b", "g", "mean"))
    (entry,) = odd.variants()
    assert entry[:2] == ("identity", "")
    assert np.isnan(entry[2:]).all()


def test_a_member_alone_has_a_page_too(report, tmp_path):
    found, _, page = report
    one = members()[:1]
    asked = Asked(page.parent.parent / "cache")
    alone = appraise(found.data, single_sources(one), uniform_weights(one), asked)
    html = write_appraisal(tmp_path, alone, Evidence()).read_text(encoding="utf-8")
    slugs = re.findall(r'<section id="([^"]+)"', html)
    assert slugs == [slug for slug in ALL if slug not in ("losses", "agreement")]
    assert "the option --tta scores others" in html
    (weights,) = re.findall(r'<section id="weights".*?</section>', html, re.S)
    assert "best threshold here" in weights
    assert "gain of tuned" not in weights  # no file states any


@needs_browser
def test_in_a_browser_it_opens_filters_and_shows_pictures(report, tmp_path):
    found, _, page = report
    name = found.review.samples[0].name
    assert 'data-hidden="true"' not in dump_dom(page)
    then = (
        "const f = document.querySelector('input[type=search]'); f.value = 'dark';"
        "f.dispatchEvent(new Event('input'));"
    )
    filtered = dump_dom(page, then=then)
    assert filtered.count("hidden") > dump_dom(page).count("hidden")
    assert f"masks of {name}" in filtered
    shot = screenshot(page, tmp_path / "shot.png")
    assert shot.std() > 10


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "val")
    write_folder(tmp_path / "test", 3)
    (tmp_path / "members").mkdir()
    for seed, name in enumerate("ab"):
        write_member_file(tmp_path / "members" / f"{name}.pt", CLASSES, (32, 32), seed)
    return tmp_path


def test_the_command_takes_what_lies_in_the_folder(work):
    result = CliRunner().invoke(main, ["report", "--review", "test"])
    assert result.exit_code == 0, result.output
    assert "no per-class.json here: all members weigh the same" in result.stderr
    assert result.stdout.rstrip().endswith("report/index.html")
    assert "Images are the most doubtful first. Predicted Dice " in result.stdout
    assert (work / CACHE_FOLDER).is_dir()

    tuned = CliRunner().invoke(main, ["tune-weights"])
    assert tuned.exit_code == 0, tuned.output
    again = CliRunner().invoke(main, ["report", "--json", "--out", "again"])
    assert "weights of per-class.json" in again.stderr
    content = json.loads(again.stdout)
    assert content["page"] == "again/index.html"
    assert [entry["member"] for entry in content["members"]] == ["a", "b", "uniform", "ensemble"]
    assert len(content["predicted_dice"]) == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--weights", "none.json"], "none.json"),
        (["--tta", "sideways"], "sideways"),
        (["--review", "nowhere"], "nowhere"),
        (["--out-of-fold", "--review", "test"], "leave --review out"),
        (["--groups", "^(p)"], "two people or more"),
        (["elsewhere"], "elsewhere"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(work, words, said):
    result = CliRunner().invoke(main, ["report", *words])
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stderr.count("Error") == 1
    assert not (work / "report").exists()
