"""How messages count things, and show what stands in a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

_LONGEST_VALUE = 60
_AS_WRITTEN = {None: "nothing", True: "true", False: "false"}


def near_misses(names: Iterable[str], known: Collection[str]) -> str:
    """The known names that were meant, as ", did you mean heart?"; "" where none is like them."""
    near = [get_close_matches(name, known, n=1, cutoff=0.7) for name in names]
    found = list(dict.fromkeys(match[0] for match in near if match))
    return f", did you mean {' and '.join(found)}?" if found else ""


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number before its noun: "1 image", "2 images", "0 rows".

    `many` is for what is more than an added s: counted(n, "class", "classes"), or with a verb
    counted(n, "row is missing", "rows are missing").
    """
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def shown(value: Any) -> str:
    """A value as its author wrote it; what is long is named."""
    if value is None or isinstance(value, bool):
        return _AS_WRITTEN[value]
    if isinstance(value, Mapping):
        return "a mapping"
    text = repr(value)
    if isinstance(value, list | tuple) and len(text) > _LONGEST_VALUE:
        return f"a list of {len(value)}"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
