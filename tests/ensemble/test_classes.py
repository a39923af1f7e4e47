import pytest

from ensemble.classes import read_class_list
from ensemble.errors import ClassListError


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("names: [{{ name }}]", r":1:10: is not YAML: found unhashable key"),
        ("names: [2024-13-45]", r":1:9: is not YAML: '2024-13-45' is no timestamp: month must be"),
        ("names: [2024-01-01]", r": names must be text"),
        ("names: [a]\nnames: [b]", r"yaml:2:1: the key names stands twice"),
        ("", r": must be a mapping with the key names: got nothing"),
        ("[a, b]", r": must be a mapping with the key names: got \['a', 'b'\]"),
        ("name: [a]", r": must have the key names: got the keys name"),
        ("{}", r": must have the key names: got no key"),
    ],
)
def test_a_broken_classes_file_is_one_line(tmp_path, text, what):
    path = tmp_path / "classes.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ClassListError, match=rf"classes.yaml{what}" if what[0] == ":" else what):
        read_class_list(path)
