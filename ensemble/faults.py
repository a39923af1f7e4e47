"""What pydantic finds wrong in a file, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


def list_faults(error: ValidationError) -> list[str]:
    """Each fault after its place in the file, as `annotations[3].points[0]: Input should be ...`.

    A fault of the whole file has no place.
    """
    return [
        f"{_place(fault['loc'])}{fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    ]


def _place(loc: Sequence[int | str]) -> str:
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc]
    return f"{''.join(words).removeprefix('.')}: " if words else ""
