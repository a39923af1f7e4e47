"""How messages count things."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number before its noun: "1 image", "2 images", "0 rows".

    `many` is for what is more than an added s: counted(n, "class", "classes"), or with a verb
    counted(n, "row is missing", "rows are missing").
    """
    return f"{number} {one if number == 1 else many or f'{one}s'}"
