"""Sizes of memory as people write them."""

from __future__ import annotations

from pydantic import ByteSize, TypeAdapter, ValidationError

from ensemble.errors import ConfigError


def parse_bytes(text: str) -> int:
    """Bytes of "8GB" or "500 MiB"; raises ConfigError for anything else."""
    try:
        size = int(TypeAdapter(ByteSize).validate_python(text.strip()))
    except ValidationError:
        size = 0
    if size <= 0:
        raise ConfigError("this is no size of memory", expected="8GB, 500MiB, ...", got=repr(text))
    return size


def format_bytes(size: int) -> str:
    """A size for people: "1.9GiB"."""
    return ByteSize(size).human_readable()
