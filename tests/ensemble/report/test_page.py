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
from ensemble.report.page import Page, Section, check_page_folder, render, write_page
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


def small(kind="page", *names):
    tables = tuple(Table(name, ("n",), ((1,),)) for name in names)
    return Page("x", "", (), (Section("s", "S", (), tables),), kind=kind)


def held(folder):
    return sorted(p.name for p in folder.iterdir())


def test_tables_of_the_earlier_page_go_and_nothing_else_does(tmp_path):
    folder = tmp_path / "out"
    write_page(folder, small("errors", "classes", "review", "a & b"))
    (folder / "mine.csv").write_text("mine")
    write_page(folder, small("errors", "classes"))
    assert held(folder) == ["classes.csv", "index.html", "mine.csv"]


@pytest.mark.parametrize("name", ["../near.csv", "sub/in.csv", "sub", "notes.txt", "gone.csv"])
def test_a_page_that_lists_foreign_files_removes_none(tmp_path, name):
    folder = tmp_path / "out"
    path = write_page(folder, small())
    (folder / "sub").mkdir()
    for place in ("../near.csv", "sub/in.csv", "notes.txt"):
        (folder / place).write_text("mine")
    listed = f'<meta name="ens-table" content="{name}">'
    html = path.read_text(encoding="utf-8")
    path.write_text(html.replace("<link", f"{listed}<link", 1), encoding="utf-8")
    write_page(folder, small())
    assert held(folder) == ["index.html", "notes.txt", "sub"]
    assert (tmp_path / "near.csv").exists()
    assert (folder / "sub" / "in.csv").exists()


def test_a_page_of_another_kind_is_left_alone(tmp_path):
    path = write_page(tmp_path, small("errors", "classes"))
    words = r"another kind: expected.* kind explore, got index\.html of kind errors \(name another"
    with pytest.raises(OutputError, match=words):
        write_page(tmp_path, small("explore", "images"))
    assert held(tmp_path) == ["classes.csv", "index.html"]
    check_page_folder(tmp_path, kind="errors")
    path.write_text('<meta name="generator" content="ens"><style>', encoding="utf-8")
    write_page(tmp_path, small("explore", "images"))  # an old page, which does not say its kind
    assert held(tmp_path) == ["classes.csv", "images.csv", "index.html"]


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


SCROLLED = """
for (const frame of document.querySelectorAll(".scroll")) frame.dispatchEvent(new Event("scroll"));
"""


@needs_browser
def test_a_chart_that_does_not_fit_fades_where_it_goes_on_and_takes_the_focus(page, tmp_path):
    path = write_page(tmp_path, page)
    chart = "document.querySelector('#areas figure .scroll')"
    narrow = "document.querySelector('main').style.width = '300px';"
    narrow += "document.querySelector('.chart').style.minWidth = '600px';"
    tell = f"{SCROLLED} document.body.dataset.frame = {chart}.className + {chart}.tabIndex;"
    assert 'data-frame="scroll whole-1"' in dump_dom(path, then=tell)
    assert 'data-frame="scroll whole more0"' in dump_dom(path, then=narrow + tell)
    end = f"{narrow} {chart}.scrollLeft = 999;"
    assert 'data-frame="scroll whole0"' in dump_dom(path, then=end + tell)


@needs_browser
def test_all_that_can_be_pressed_or_scrolled_takes_the_focus_and_shows_it(page, tmp_path):
    path = write_page(tmp_path, page)
    walk = """{
      const unseen = [], kinds = new Set();
      const walk = (elements) => elements.forEach((each) => {
        each.focus();
        kinds.add(each.localName);
        const isSeen = each.matches(":focus-visible")
          && getComputedStyle(each).outlineStyle === "solid"
          && parseFloat(getComputedStyle(each).outlineWidth) >= 2;
        if (!isSeen || document.activeElement !== each) unseen.push(each.outerHTML);
      });
      const all = [...document.querySelectorAll("a[href], button, input, [tabindex]")];
      walk(all.filter((each) => !each.closest("dialog")));
      document.querySelector(".zoom").focus();
      document.querySelector(".zoom").click();
      walk(all.filter((each) => each.closest("dialog")));
      document.querySelector("dialog button").click();
      const back = document.activeElement.className;
      document.body.dataset.unseen = `${unseen.join()};${[...kinds].sort()};${back}`;
    }"""
    long = "document.querySelector('.sortable').style.height = '2000px';"
    shown = dump_dom(path, then=long + SCROLLED + walk)
    assert 'data-unseen=";a,button,div,input;zoom"' in shown
