import pytest

from ensemble.byte_sizes import format_bytes, parse_bytes
from ensemble.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "size"), [("8GB", 8e9), ("500 MiB", 500 * 2**20), (" 2gib ", 2**31)]
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "many", "8XB", "-1GB", "0", "nan"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ConfigError, match=r"no size of memory.*8GB"):
        parse_bytes(text)


def test_sizes_are_written_for_people():
    assert format_bytes(int(1.9 * 2**30)) == "1.9GiB"
