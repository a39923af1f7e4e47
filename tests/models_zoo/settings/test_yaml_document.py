from ensemble.files.faults import Fault
from models_zoo.settings.yaml_document import read_yaml


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


def test_an_anchor_that_holds_itself_ends(tmp_path):
    assert _document(tmp_path, "a: &x\n  b: *x\n").place(("a", "b")) == (2, 3)
