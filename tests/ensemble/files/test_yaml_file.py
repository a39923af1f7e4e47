import pytest

from ensemble.errors import ConfigError
from ensemble.files.yaml_file import read_yaml_file


def _read(tmp_path, text):
    path = tmp_path / "zoo.yaml"
    path.write_text(text, encoding="utf-8")
    return read_yaml_file(path, ConfigError).content


def test_every_doubled_key_is_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, "a: 1\nb: {c: 1, c: 2}\na: 2\n")

    assert "zoo.yaml:2:11: the key c" in str(caught.value)
    assert "zoo.yaml:3:1: the key a" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1", "1:6"),
        ("a: b: c", "1:5"),
        ("\tx: 1", "1:1"),
        ("a: *nothing", "1:4"),
        ("size: {{ size }}", "1:8"),
        ("? [1, 2]\n: 3", "1:3"),
        ("a: 1\nb: 2024-13-45", "2:4"),
        ("a: 2024-01-01 25:00:00", "1:4"),
        ("a: [1, 0b_]", "1:8"),
        ("a: !!int b", "1:4"),
        ("a: !!bool maybe", "1:4"),
        ("a: !!timestamp now", "1:4"),
        ("a: !!python/object:os.system b", "1:4"),
        (f"a: {'9' * 5000}", "1:4"),
    ],
)
def test_what_is_no_yaml_is_placed(tmp_path, text, place):
    with pytest.raises(ConfigError, match=rf"zoo.yaml:{place}: is not YAML") as caught:
        _read(tmp_path, text)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a:\n\tb: 1", "(indent with spaces, not with tabs)"),
        ("a: 1\n  b: 2", "(look at indentation, colons and brackets, in this line"),
        ("a: 2024-13-45", "month must be in 1..12"),
    ],
)
def test_what_to_do_about_it_is_said(tmp_path, text, remedy):
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, text)
    assert remedy in str(caught.value)
    assert ("look at" in remedy) == ("look at" in str(caught.value))


def test_what_is_sound_is_read(tmp_path):
    text = "a: &x {b: 1.5}\nc: {<<: *x, d: 2024-02-29}\ne: [yes, ~, 0x1f]"
    content = _read(tmp_path, text)

    assert (content["a"], content["c"]["b"], str(content["c"]["d"])) == (
        {"b": 1.5},
        1.5,
        "2024-02-29",
    )
    assert content["e"] == [True, None, 31]


def test_what_is_nested_without_end_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"zoo.yaml: is nested too deeply"):
        _read(tmp_path, "a: " + 5000 * "[")


def test_what_is_no_text_or_no_file_is_stated(tmp_path):
    path = tmp_path / "zoo.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not YAML"):
        read_yaml_file(path, ConfigError)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml_file(tmp_path, ConfigError)
