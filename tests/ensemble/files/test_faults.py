from typing import Literal

import pydantic
import pytest

from ensemble.files.faults import list_faults


class Point(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    xy: list[int]
    colour: Literal["red", "blue"] = "red"


class Document(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    points: list[Point]
    names: dict[str, float]
    share: pydantic.FiniteFloat = pydantic.Field(0.5, gt=0, le=1)
    counts: str | list[int] = ""
    pair: tuple[int, int] | None = None
    title: str = pydantic.Field("x", min_length=1)
    on: bool = False
    best: Point | None = None

    @pydantic.field_validator("title")
    @classmethod
    def _no_slash(cls, value):
        if "/" in value:
            raise ValueError("must have no slash")
        return value


def faults_of(content):
    with pytest.raises(pydantic.ValidationError) as caught:
        Document.model_validate(content)
    return list_faults(Document, content, caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"names": {}}, ["points: is missing"]),
        (
            {"points": [{"xy": []}, {"xy": [1, 2, "x"]}], "names": {"a b": None}},
            [
                "points[1].xy[2]: must be a whole number, got 'x'",
                "names.a b: must be a number, got nothing",
            ],
        ),
        ([], ["must be a mapping, got []"]),
        (None, ["must be a mapping, got nothing"]),
    ],
)
def test_a_fault_follows_its_place(content, expected):
    assert faults_of(content) == expected


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("share", 0, ": must be above 0, got 0"),
        ("share", 1.5, ": must be at most 1, got 1.5"),
        ("share", float("nan"), ": must be a finite number, got nan"),
        ("share", 10**400, ": must be a number, got 1" + 59 * "0" + "..."),
        ("points", 3, ": must be a list, got 3"),
        ("points", {"xy": []}, ": must be a list, got a mapping"),
        ("points", [{"xy": [], "colour": 1}], "[0].colour: must be 'red' or 'blue', got 1"),
        ("pair", [1, 2, 3], ": must have at most 2 entries, got [1, 2, 3]"),
        ("pair", list(range(99)), ": must have at most 2 entries, got a list of 99"),
        ("title", "", ": must be text that is not empty, got ''"),
        ("title", True, ": must be text, got true"),
        ("title", "a/b", ": must have no slash"),
        ("on", "maybe", ": must be true or false, got 'maybe'"),
    ],
)
def test_it_says_what_a_value_must_be_and_what_it_is(key, value, expected):
    assert faults_of({"points": [], "names": {}, key: value}) == [key + expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"naems": {}, "names": {}}, "naems: unknown key, did you mean names?"),
        ({"zzz": 1, "names": {}}, "zzz: unknown key"),
        ({"points": [{"xy": [], "colr": 1}]}, "points[0].colr: unknown key, did you mean colour?"),
        ({"best": {"xy": [], "color": 1}}, "best.color: unknown key, did you mean colour?"),
    ],
)
def test_an_unknown_key_is_told_from_those_beside_it(content, expected):
    assert faults_of({"points": [], "names": {}} | content) == [expected]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (5, "counts: must be text or a list, got 5"),
        ([1, "a"], "counts[1]: must be a whole number, got 'a'"),
    ],
)
def test_the_branches_of_a_union_are_no_steps_of_a_place(counts, expected):
    assert faults_of({"points": [], "names": {}, "counts": counts}) == [expected]


def test_a_fault_stays_on_one_line():
    assert faults_of({"points": [], "names": {"a\nb": "x"}}) == [
        "names.a b: must be a number, got 'x'"
    ]
