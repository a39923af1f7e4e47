"""What the search field of a page finds, in Chromium."""

import html
import json
import re

import numpy as np
import pytest
from markupsafe import Markup

from browser import dump_dom, needs_browser
from ensemble.report.blocks import (
    Remark,
    figure,
    heat_table,
    paragraph,
    remarks,
    small_multiples,
    table,
)
from ensemble.report.charts import box_plot
from ensemble.report.page import Page, Section, write_page
from ensemble.report.tables import Table

pytestmark = needs_browser

CLASSES = ("finger-1", "finger-10", "left lung", "left kidney")
LOOK = """
const looks = [];
const list = (choice) => [...document.querySelectorAll(choice)];
const seen = (choice) => list(choice).filter((e) => e.checkVisibility() && !e.matches(".miss"));
const names = (choice) => seen(choice).map((e) => e.dataset.search).join();
const cells = (id) => seen(`#${id} .heat tbody td`).map((e) => e.title.split(":")[0]);
const look = () => looks.push({
  sections: seen("main > section").map((e) => e.id).join(),
  nav: seen("nav a").map((e) => e.textContent).join(),
  rows: names(".sortable tbody tr"), figures: names(".small figure"), marks: names(".mark"),
  members: cells("members"), confusion: cells("confusion"),
  kept: seen("#members .heat tbody th").map((e) => e.textContent).join(),
  titles: seen("#members .heat thead th").map((e) => e.textContent).join(),
  hits: document.getElementById("hits").textContent,
  field: document.getElementById("search").value,
});
const type = (query) => {
  const field = document.getElementById("search");
  field.value = query;
  field.dispatchEvent(new Event("input"));
};
const go = (address) => {
  location.hash = address;
  window.dispatchEvent(new HashChangeEvent("hashchange"));
};
"""
TELL = "document.body.dataset.looks = JSON.stringify(looks);"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    areas = Table("areas", ("class", "px"), tuple((name, 1) for name in CLASSES))
    empty = Markup("<svg></svg>")
    by_member = heat_table(np.ones((2, 4)), ("a.pt", "b.pt"), CLASSES, caption="Lost.")
    mixed = heat_table(np.ones((4, 4)), CLASSES, CLASSES, caption="One for another.")
    sections = (
        Section("notes", "Notes", (remarks([Remark("look", "finger-1: of a finger.", "areas")]),)),
        Section("areas", "Areas", (table(areas, "Areas."),)),
        Section("members", "Members", (by_member,)),
        Section("confusion", "Confusion", (mixed,)),
        Section(
            "curves",
            "Curves",
            (small_multiples(*(figure(empty, "c", terms=name) for name in CLASSES)),),
        ),
        Section("boxes", "Boxes", (figure(box_plot({"age": [1], "sex": [2]}), "Persons."),)),
        Section("told", "Told", (paragraph("The spleen (both) is told here."),)),
    )
    return write_page(tmp_path_factory.mktemp("page"), Page("x", "", (), sections))


def looks(page, *steps, fragment=""):
    """What is seen after each step of script."""
    taken = "look();".join(f"{step};" for step in (*steps, ""))
    shown = dump_dom(page, fragment, then=f"{{{LOOK}{taken}{TELL}}}")
    body = re.search('data-looks="([^"]*)"', shown)
    return json.loads(html.unescape(body[1]))


def searched(page, *queries):
    """What is seen of the page after each query."""
    return looks(page, *(f"type({json.dumps(query)})" for query in queries))


def test_a_class_is_found_wherever_it_is_a_column_a_curve_or_a_row(page):
    (found,) = looks(page, "0", fragment="#q=finger-10")
    assert found["sections"] == "areas,members,confusion,curves"
    assert found["nav"] == "Areas,Members,Confusion,Curves"
    assert found["rows"] == found["figures"] == found["titles"] == "finger-10"
    assert found["members"] == ["a.pt, finger-10", "b.pt, finger-10"]
    assert len(found["confusion"]) == 7  # its row and its column
    assert all("finger-10" in cell for cell in found["confusion"])
    assert found["hits"] == "5 hits"


def test_a_row_of_a_heat_table_hides_the_others_and_with_a_column_it_is_a_cell(page):
    row, cell = searched(page, "b.pt", "finger-10 b.pt")
    assert row["sections"] == "members"
    assert row["members"] == [f"b.pt, {name}" for name in CLASSES]
    assert row["kept"] == cell["kept"] == "b.pt"
    assert row["hits"] == "1 hit"
    assert (cell["sections"], cell["members"]) == ("members", ["b.pt, finger-10"])


def test_a_whole_name_is_itself_alone_and_a_part_finds_all_that_hold_it(page):
    whole, part, word = searched(page, "Finger-1", "finger-", "finger")
    assert whole["rows"] == "finger-1"
    assert whole["sections"].startswith("notes,")
    assert part["rows"] == "finger-1,finger-10"
    assert word["rows"] == "finger-1,finger-10"  # a remark is no name


def test_words_in_quotes_are_one_term(page):
    word, name, begun, other = searched(page, "left", '"left lung"', '"left l', '"lung left"')
    assert word["rows"] == "left lung,left kidney"
    assert name["rows"] == begun["rows"] == "left lung"
    assert other["sections"] == ""


def test_text_titles_and_captions_are_found_with_what_they_stand_over(page):
    told, titled, captioned = searched(page, "spleen both", "curves", "persons")
    assert told["sections"] == "told"
    assert titled["sections"] == "curves"
    assert titled["figures"] == ",".join(CLASSES)
    assert (captioned["sections"], captioned["marks"]) == ("boxes", "age,sex")
    assert captioned["hits"] == "1 hit"


@pytest.mark.parametrize("typed", ["100%", "%E0%A4%A"])
def test_an_address_that_is_malformed_is_taken_as_it_stands(page, typed):
    press = "document.querySelector('.sortable th button').click()"
    sort = "looks.push(document.querySelector('th[aria-sort]').ariaSort)"
    found, order, _ = looks(page, "0", f"{press}; {sort}", fragment=f"#q={typed}")
    assert (found["field"], found["hits"], order) == (typed, "0 hits", "ascending")


def test_a_changed_address_is_searched_and_one_of_a_hidden_section_ends_the_search(page):
    steps = ("#q=b.pt", "#q=spleen", "#told", "#areas", "#q=spleen", "")
    changed, _, kept, left, _, none = looks(page, *(f"go('{step}')" for step in steps))
    assert changed["sections"] == "members"
    assert (kept["sections"], kept["field"]) == ("told", "spleen")
    assert left["field"] == none["field"] == ""


def test_an_emptied_field_shows_all(page):
    first, _, emptied = searched(page, "", "finger-10", "")
    assert emptied == first
    assert first["sections"].count(",") == 6
    assert first["hits"] == ""


def test_a_column_that_was_found_is_scrolled_to(page):
    frame = "document.querySelector('#members .scroll')"
    narrow = f"{frame}.style.width = '120px'; type('left kidney'); looks.push({frame}.scrollLeft)"
    _, at, _, back, _ = looks(page, "0", narrow, f"type('b.pt'); looks.push({frame}.scrollLeft)")
    assert at > 20
    assert back == 0
