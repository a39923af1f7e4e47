"""A part of zoo.yaml, and what YAML makes of yes and no in it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


def is_boolean(value: object) -> bool:
    """Whether a value is true or false, which to Python are whole numbers."""
    return isinstance(value, bool)


class Section(BaseModel):
    """A part of zoo.yaml: unknown keys are refused, and so is true or false for anything else.

    Numbers are finite.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields.get(info.field_name or "")
        if is_boolean(value) and (field is None or field.annotation is not bool):
            raise ValueError(
                f"is {str(value).lower()}: YAML reads yes, no, on and off as true and false; "
                "quote the word, or write none for nothing"
            )
        return value
