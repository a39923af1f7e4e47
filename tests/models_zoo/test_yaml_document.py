import pytest

from ensemble.errors import ConfigError
from models_zoo.yaml_document import Fault, read_yaml


def _document(tmp_path, text):
    path = tmp_path / "zoo.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml(path)


def test_a_fault_names_line_and_column_of_its_key(tmp_path):
    document = _document(tmp_path, "a: 1\nlist:\n  - x: 1\n  - y: 2\n    z: {deep: 3}\n")

    assert document.content == {"a": 1, "list": [{"x": 1}, {"y": 2, "z": {"deep": 3}}]}
    assert document.line(Fault(("list", 1, "z", "deep"), "bad")) == (
        "zoo.yaml:5:9: list.1.z.deep: bad"
    )


def test_a_missing_key_is_placed_at_what_should_hold_it(tmp_path):
    document = _document(tmp_path, "a: 1\nlist:\n  - x: 1\n")

    assert document.place(("list", 0, "arch")) == (3, 5)
    assert document.place(("other",)) == (1, 1)


def test_an_empty_file_has_a_place(tmp_path):
    assert _document(tmp_path, "").line(Fault((), "is empty")) == "zoo.yaml:1:1: is empty"


def test_every_doubled_key_is_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        _document(tmp_path, "a: 1\nb: {c: 1, c: 2}\na: 2\n")

    assert "zoo.yaml:2:11: the key c" in str(caught.value)
    assert "zoo.yaml:3:1: the key a" in str(caught.value)


def test_an_anchor_that_holds_itself_ends(tmp_path):
    assert _document(tmp_path, "a: &x\n  b: *x\n").place(("a", "b")) == (2, 3)


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "\tx: 1", "a: *nothing"])
def test_what_is_no_yaml_is_placed(tmp_path, text):
    with pytest.raises(ConfigError, match=r"zoo.yaml:\d+:\d+: is not YAML"):
        _document(tmp_path, text)


def test_what_is_no_text_or_no_file_is_stated(tmp_path):
    path = tmp_path / "zoo.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not YAML"):
        read_yaml(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)
