"""Where results may be written: never over what was read, nor among what something else made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ensemble.errors import ConfigError, OutputError


def refuse_overwriting(out: Path, inputs: Iterable[Path]) -> None:
    """Raise ConfigError for a file to be written that is read too, by itself or within a folder."""
    there = out.resolve()
    for path in inputs:
        is_within = path.is_dir() and there.is_relative_to(path.resolve()) and there.exists()
        if is_within or there == path.resolve():
            raise ConfigError(
                "the result would overwrite what it is made from",
                where=out,
                remedy="give --out another name",
            )


def refuse_full(folder: Path, *, expected: str = "a new or empty folder") -> None:
    """Raise OutputError for a folder that holds anything, or that cannot be looked into."""
    try:
        held = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise OutputError(f"cannot be used: {error.strerror}", where=folder) from error
    if held:
        raise OutputError(
            "is not empty",
            where=folder,
            expected=expected,
            got=", ".join(held[:3]) + (", ..." if len(held) > 3 else ""),
            remedy="name another folder, or empty this one",
        )
