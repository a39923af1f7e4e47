from xml.etree import ElementTree

import pytest

from ensemble.report.dendrogram import Join, dendrogram

NAME = 'p<1> & "co"'
LONG = "segformer-b3-of-the-first-fold-with-flips-0"


def parse(markup):
    return ElementTree.fromstring(str(markup))


def marks(root):
    return {
        e.get("data-search"): e for e in root.iter() if "mark" in (e.get("class") or "").split()
    }


def x_of(root, value):
    (tick,) = [e for e in root.iter("text") if e.get("class") == "tick" and e.text == value]
    return float(tick.get("x"))


def test_a_join_stands_at_its_height_in_the_middle_of_what_it_joins():
    joins = [Join((0,), (2,), 0.1), Join((1,), (0, 2), 0.4)]
    root = parse(dendrogram(["a", NAME, "c"], joins, axis="1 - Dice"))

    found = marks(root)
    rows = [float(found[name].find("text").get("y")) for name in (NAME, "a", "c")]
    assert rows[1] - rows[0] == rows[2] - rows[1] == pytest.approx(22)
    low, high = found["a and c: 0.1"], found[f"{NAME} and a + c: 0.4"]
    for join, value, arms in ((low, "0.1", rows[1:]), (high, "0.4", [rows[0], rows[1] + 11])):
        first, second, between = join.iter("line")
        places = [float(line.get("x2")) for line in (first, second, between)]
        assert places == pytest.approx([x_of(root, value)] * 3, abs=0.02)
        assert [float(line.get("y1")) + 4 for line in (first, second)] == pytest.approx(arms)
    starts = [float(line.get("x1")) for line in high.iter("line")][:2]
    assert starts == pytest.approx([x_of(root, "0"), x_of(root, "0.1")], abs=0.02)
    assert "1 - Dice" in "".join(root.itertext())


def test_equal_leaves_and_one_alone_are_drawn():
    root = parse(dendrogram(["a", "b"], [Join((0,), (1,), 0.0)]))
    assert list(marks(root)) == ["a and b: 0", "a", "b"]
    assert list(marks(parse(dendrogram(["alone"], [])))) == ["alone"]


def test_names_of_files_are_longer_than_those_of_classes():
    root = parse(dendrogram([LONG[:40], LONG], [Join((0,), (1,), 0.2)]))
    texts = [mark.find("text").text for name, mark in marks(root).items() if name in LONG]
    assert texts == [LONG[:40], f"{LONG[:39]}…"]
