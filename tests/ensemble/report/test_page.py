import re
from html.parser import HTMLParser

import numpy as np
import pytest

from browser import dump_dom, needs_browser, screenshot
from ensemble.errors import OutputError
from ensemble.report.blocks import (
    Card,
    Remark,
    case,
    figure,
    gallery,
    heat_table,
    legend,
    paragraph,
    remarks,
    side_by_side,
    table,
)
from ensemble.report.charts import box_plot
from ensemble.report.page import Page, Section, render, write_page
from ensemble.report.picture_uri import picture_uri
from ensemble.report.pictures import class_colours
from ensemble.report.tables import Table

NASTY = '<script>alert("x")</script>'
VOID = {"meta", "link", "img", "input", "br"}


class Structure(HTMLParser):
    """Whether tags are balanced, and which headings, ids, links and sources there are."""

    def __init__(self):
        super().__init__()
        self.open, self.headings, self.ids, self.links, self.sources = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if "src" in given:
            self.sources.append(given["src"])
        if tag == "img":
            assert "alt" in given

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page():
    areas = Table("classes", ("class", "px"), (("Radius", 75210), ("Ulna", 9), (NASTY, 400)))
    uri = picture_uri(class_colours(64).reshape(8, 8, 3).repeat(8, 0).repeat(8, 1))
    areas_section = Section(
        "areas",
        "Areas",
        (
            paragraph(NASTY),
            figure(box_plot({"Radius": np.arange(9), NASTY: [1]}), NASTY),
            table(areas, "Areas.", most_rows=3),
        ),
        (areas,),
    )
    pictures = Section(
        "pictures",
        "Pictures",
        (
            remarks([Remark("wrong", NASTY, "areas")]),
            gallery([Card(uri, "Radius", f"a {NASTY}", ("image one.png",), terms="사진")]),
            side_by_side(
                heat_table([[1.0, -2.0], [np.nan, 0]], ["Radius", "Ulna"], ["a", "b"], caption="c")
            ),
        ),
    )
    return Page(f"Hands {NASTY}", "lead", (("36", "images"),), (areas_section, pictures))


def test_a_page_is_one_balanced_file_in_which_all_text_is_escaped(page):
    html = render(page)
    found = Structure()
    found.feed(html)
    assert found.open == []
    assert found.headings == [1, 2, 2]
    assert len(set(found.ids)) == len(found.ids)
    assert all(link[1:] in found.ids for link in found.links if link.startswith("#"))
    assert all(source.startswith("data:") for source in found.sources)
    assert not re.search(r"https?://", html)
    assert NASTY not in html
    assert html.count("<script>") == 1


def test_tables_lie_beside_the_page(page, tmp_path):
    path = write_page(tmp_path / "out", page)
    assert path.name == "index.html"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["classes.csv", "index.html"]
    assert 'href="classes.csv"' in path.read_text(encoding="utf-8")


def test_a_page_is_written_over_an_earlier_one_and_over_nothing_else(page, tmp_path):
    for _ in range(2):
        write_page(tmp_path / "out", page)
    (tmp_path / "classes.csv").write_text("mine")
    for foreign in (None, "<html><title>mine</title></html>"):
        if foreign:
            (tmp_path / "index.html").write_text(foreign)
        with pytest.raises(OutputError, match=r"is not empty.*an earlier page.*classes\.csv"):
            write_page(tmp_path, page)
    assert (tmp_path / "classes.csv").read_text() == "mine"


def test_a_long_table_says_that_its_file_holds_more():
    long = Table("t", ("n",), tuple((i,) for i in range(50)))
    shown = table(long, "Numbers.", most_rows=20)
    assert shown.count("<tr") == 21
    assert "The first 20 of 50 rows." in shown
    assert "None." in table(Table("t", ("n",), ()), "Numbers.")


def test_a_case_is_found_as_a_whole_and_a_legend_names_colours():
    cards = [Card("data:a", "truth", "truth of x"), Card("data:b", "errors", "errors of x")]
    shown = case("Radius", "in x.png", cards, terms="ID00")
    assert re.findall('data-search="([^"]*)"', shown) == ["Radius in x.png ID00"]
    assert re.findall('<img src="([^"]*)" alt="([^"]*)"', shown) == [
        ("data:a", "truth of x"), ("data:b", "errors of x"),
    ]  # fmt: skip
    kinds = [re.search('<ul class="([^"]*)"', c)[1] for c in (
        shown, case("x", "", cards, is_dense=True), case("x", "", 3 * cards, is_dense=True),
    )]  # fmt: skip
    assert kinds == ["cards", "cards dense few", "cards dense"]
    key = legend([((1, 20, 255), NASTY)])
    assert 'style="background: rgb(1 20 255)"' in key
    assert NASTY not in key


def test_heat_is_the_share_of_the_largest_and_small_numbers_are_not_written():
    shown = heat_table([[0.5, -1.0], [np.nan, 0.1]], "ab", "cd", caption="x", least_shown=0.2)
    assert re.findall(r"--heat: (\d+)%?", shown) == ["50", "100", "0", "10"]
    assert re.findall(r'<td style[^>]*class="([^"]*)"', shown) == ["cold full"]
    assert re.findall(r'"[^"]*">([-\d.]*)</td>', shown) == ["0.50", "-1.00", "", ""]


@needs_browser
def test_search_finds_rows_cards_and_marks(page, tmp_path):
    path = write_page(tmp_path, page)
    shown = dump_dom(path, "#q=radius")
    hits = re.search(r"(\d+) hits?</output>", shown)
    assert hits
    assert int(hits[1]) == 4  # box, row, card, row of the heat table
    rows = re.findall(r'<tr data-search="([^"]*)"( hidden="")?>', shown)
    assert [name for name, hidden in rows if not hidden] == ["Radius", "Radius"]
    assert re.search(r'class="mark miss"', shown)
    only = dump_dom(path, "#q=%EC%82%AC%EC%A7%84")
    assert "1 hit<" in only
    assert '<section id="areas" aria-labelledby="areas-title" class="empty">' in only


@needs_browser
def test_a_page_draws_without_an_error_in_light_and_dark(page, tmp_path):
    path = write_page(tmp_path, page)
    light, dark = (screenshot(path, tmp_path / f"{d}.png", is_dark=d) for d in (False, True))
    assert light.mean() > 200
    assert dark.mean() < 80


def column(shown, index):
    body = shown.split('<table class="sortable">')[1].split("</table>")[0].split("<tbody>")[1]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row)[index] for row in rows]


@needs_browser
def test_a_table_sorts_by_a_pressed_column_and_back(page, tmp_path):
    path = write_page(tmp_path, page)
    press = "document.querySelectorAll('.sortable th button')[1].click();"
    shown = dump_dom(path, then=press)
    assert column(shown, 1) == ["9", "400", "75,210"]
    assert 'aria-sort="ascending"' in shown
    assert column(dump_dom(path, then=2 * press), 1) == ["75,210", "400", "9"]
    names = dump_dom(path, then="document.querySelector('.sortable th button').click();")
    assert column(names, 0)[1:] == ["Radius", "Ulna"]


@needs_browser
def test_a_picture_opens_and_the_dark_side_is_a_button_away(page, tmp_path):
    path = write_page(tmp_path, page)
    shown = dump_dom(path, then="document.querySelector('.zoom').click();")
    viewer = shown.split('<dialog id="viewer"')[1]
    assert viewer.split(">")[0].endswith('open=""')
    assert "data:image/webp" in viewer
    assert "a &lt;script&gt;" in viewer
    pressed = "document.getElementById('theme').click();"
    assert 'data-theme="dark"' in dump_dom(path, then=pressed)
    assert 'data-theme="light"' in dump_dom(path, then=2 * pressed)


@needs_browser
def test_a_slash_goes_to_the_search_field_and_escape_empties_it(page, tmp_path):
    path = write_page(tmp_path, page)
    key = (
        "document.activeElement.dispatchEvent("
        "new KeyboardEvent('keydown', {key: '%s', bubbles: true}));"
    )
    focus = "document.body.dataset.at = document.activeElement.id;"
    assert 'data-at="search"' in dump_dom(path, then=key % "/" + focus)
    emptied = dump_dom(path, "#q=radius", then=key % "/" + key % "Escape")
    assert re.search(r"<output[^>]*></output>", emptied)
    assert 'hidden=""' not in emptied
