"""Label files in JSON, checked against a model; an error says where in the file it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from ensemble.errors import LabelError
from ensemble.files.faults import list_faults

Model = TypeVar("Model", bound=pydantic.BaseModel)

_MOST_FAULTS = 20


class LabelFileError(LabelError):
    """The faults of a label file, a line each: "annotations.json: images[0].id: is missing"."""

    def __str__(self) -> str:
        return "\n".join(f"{self.where}: {fault}" for fault in self.what.splitlines())


def read_json(path: Path, model: type[Model]) -> Model:
    """Read a JSON file into a model; raises LabelError with the file and the places in it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LabelError(f"cannot be read: {error.strerror}", where=path) from error
    try:
        return model.model_validate_json(content)
    except pydantic.ValidationError as error:
        faults = list_faults(model, _parsed(content), error)
        if len(faults) > _MOST_FAULTS:
            faults[_MOST_FAULTS:] = [f"and {len(faults) - _MOST_FAULTS} more"]
        raise LabelFileError("\n".join(faults), where=path) from error


def _parsed(content: bytes) -> Any:
    """What is in the file in plain types, None where it is no JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
