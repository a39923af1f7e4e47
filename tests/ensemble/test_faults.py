import pydantic
import pytest

from ensemble.faults import list_faults


class Point(pydantic.BaseModel):
    xy: list[int]


class Document(pydantic.BaseModel):
    points: list[Point]
    names: dict[str, float]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"names": {}}, ["points: Field required"]),
        (
            {"points": [{"xy": []}, {"xy": [1, 2, "x"]}], "names": {"a b": None}},
            ["points[1].xy[2]: Input should be a valid integer", "names.a b: Input should be"],
        ),
        ([], ["Input should be a valid dictionary"]),
    ],
)
def test_a_fault_follows_its_place(content, expected):
    with pytest.raises(pydantic.ValidationError) as caught:
        Document.model_validate(content)
    found = list_faults(caught.value)
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)
