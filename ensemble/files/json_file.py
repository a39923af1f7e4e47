"""Reading a JSON file that people edit, so that whatever is wrong in it is one stated error."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ensemble.errors import EnsError


def read_json_file(path: Path, error_type: type[EnsError], *, remedy: str | None = None) -> Any:
    """The content of a JSON file; raises `error_type`, with line and column, for what is no JSON.

    A key that stands twice in an object is an error: JSON itself would keep the last silently. A
    byte-order mark, as some editors write it, is skipped. `remedy` is for where there is no file.
    """
    doubled: list[str] = []

    def to_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        doubled.extend(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return dict(pairs)

    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=to_dict)
    except OSError as error:
        raise error_type(f"cannot be read: {error.strerror}", where=path, remedy=remedy) from error
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise error_type(f"is not JSON: {error.msg}", where=place) from error
    except ValueError as error:  # bytes that are no UTF-8, a number of thousands of digits
        raise error_type(f"is not JSON: {error}", where=path) from error
    except RecursionError as error:
        raise error_type("is nested too deeply", where=path) from error
    if doubled:
        raise error_type(
            "keys stand twice in one object, of which only one can hold",
            where=path,
            got=", ".join(doubled),
        )
    return content
