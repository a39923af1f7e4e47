import pytest

from ensemble.errors import WeightsError
from ensemble.files.json_file import read_json_file


def _read(tmp_path, data):
    path = tmp_path / "w.json"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_json_file(path, WeightsError)


def test_plain_content_and_a_byte_order_mark(tmp_path):
    assert _read(tmp_path, '{"a": [1, "손"]}') == {"a": [1, "손"]}
    assert _read(tmp_path, b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("", r"w\.json:1:1: is not JSON"),
        ('{"a": 1,\n "b": 2,\n}', r"w\.json:[23]:\d+: is not JSON"),
        ('{"a": 1\n "b": 2}', r"w\.json:2:2: is not JSON: Expecting ',' delimiter"),
        ('{"a": 1}}', r"w\.json:1:9: is not JSON: Extra data"),
        ("{'a': 1}", r"w\.json:1:2: is not JSON"),
        ("weights: 1", r"w\.json:1:1: is not JSON"),
        (b'{"a": "\xff"}', r"w\.json: is not JSON: .*utf-8"),
        ("9" * 5000, r"w\.json: is not JSON"),
        ("[" * 100_000, r"w\.json: is nested too deeply"),
    ],
)
def test_what_is_no_json_is_placed(tmp_path, data, match):
    with pytest.raises(WeightsError, match=match):
        _read(tmp_path, data)


def test_every_doubled_key_is_told_at_once(tmp_path):
    with pytest.raises(WeightsError, match=r"w\.json: keys stand twice .*: got c, a$"):
        _read(tmp_path, '{"a": 1, "b": {"c": 1, "c": 2}, "d": {"c": 1}, "a": 2}')


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(WeightsError, match=r"cannot be read: Is a directory"):
        read_json_file(tmp_path, WeightsError)
