"""A folder that is to be filled, and must hold nothing yet."""

from __future__ import annotations

from pathlib import Path

from ensemble.errors import OutputError


def refuse_full(folder: Path) -> None:
    """Raise OutputError for a folder that holds anything, or that cannot be looked into."""
    try:
        held = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise OutputError(f"cannot be used: {error.strerror}", where=folder) from error
    if held:
        raise OutputError(
            "is not empty",
            where=folder,
            expected="a new or empty folder",
            got=", ".join(held[:3]) + (", ..." if len(held) > 3 else ""),
            remedy="name another folder, or empty this one",
        )
