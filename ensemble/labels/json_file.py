"""Label files in JSON, checked against a model; an error says where in the file it is."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pydantic

from ensemble.errors import LabelError, few
from ensemble.faults import list_faults

Model = TypeVar("Model", bound=pydantic.BaseModel)


def read_json(path: Path, model: type[Model]) -> Model:
    """Read a JSON file into a model; raises LabelError with the file and the place in it."""
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LabelError(f"cannot be read: {error.strerror}", where=path) from error
    except pydantic.ValidationError as error:
        raise LabelError(few(list_faults(error), 1), where=path) from error
