"""Label files in JSON, checked against a model; an error says where in the file it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pydantic

from ensemble.errors import LabelError

Model = TypeVar("Model", bound=pydantic.BaseModel)


def read_json(path: Path, model: type[Model]) -> Model:
    """Read a JSON file into a model; raises LabelError with the file and the place in it."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LabelError(f"cannot be read: {error.strerror}", where=path) from error
    except pydantic.ValidationError as error:
        first, *others = error.errors(include_url=False)
        what = f"{_place(first['loc'])}{first['msg']}"
        more = f", and {len(others)} more faults" if others else ""
        raise LabelError(what + more, where=path) from error


def _place(loc: Sequence[int | str]) -> str:
    """A place in a JSON file as `annotations[3].points[0][1]: `; empty for the whole file."""
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc]
    return f"{''.join(words).removeprefix('.')}: " if words else ""
