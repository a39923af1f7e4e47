"""What is wrong in a file that a model was asked to check, in sentences for the file's author.

pydantic's own words are about Python ("valid dictionary or instance of _Document"); here they are
about what was written: where it stands, what it must be, and what was got.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ensemble.wording import counted, shown

Loc = tuple[str | int, ...]

UNKNOWN_KEY = "unknown key"
_MUST_BE = "must be "

# What a value must be, by pydantic's name of the fault; the braces hold its limits.
_EXPECTED = {
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "a mapping"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("string_type", "string_unicode"), "text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    "int_parsing_size": "a whole number of fewer digits",
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    "string_too_short": "text that is not empty",
    "finite_number": "a finite number",
    "literal_error": "{expected}",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
}
# What lists must have, and the name of the limit.
_COUNTED = {
    "too_short": ("must have at least", "min_length"),
    "too_long": ("must have at most", "max_length"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the value at `loc`: keys and list positions from the top."""

    loc: Loc
    message: str

    def __str__(self) -> str:
        """The fault after its place, as `annotations[3].points[0]: must be ...`."""
        words = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.loc]
        place = "".join(words).removeprefix(".")
        line = f"{place}: {self.message}" if place else self.message
        return " ".join(line.split())


def find_faults(model: type[BaseModel], content: Any, error: ValidationError) -> list[Fault]:
    """The faults that a model found in the content of a file, one a place, in their order."""
    by_loc: dict[Loc, list[Mapping[str, Any]]] = {}
    branches: set[Loc] = set()
    for found in error.errors():
        loc = _written(found["loc"], content, is_missing=found["type"] == "missing")
        by_loc.setdefault(loc, []).append(found)
        if len(loc) < len(found["loc"]):
            branches.add(loc)
    # of a union that branch was meant in which the fault lies deepest
    shallow = {
        loc for loc in branches for other in by_loc if loc != other and loc == other[: len(loc)]
    }
    return [
        Fault(loc, _message(model, loc, found))
        for loc, found in by_loc.items()
        if loc not in shallow
    ]


def list_faults(model: type[BaseModel], content: Any, error: ValidationError) -> list[str]:
    """The same as lines; one of the whole file has no place."""
    return [str(fault) for fault in find_faults(model, content, error)]


def _written(loc: Loc, content: Any, *, is_missing: bool) -> Loc:
    """The steps that lead through the content, without the branches of unions among them."""
    steps: list[str | int] = []
    for step in loc:
        if _leads_on(content, step):
            content = content[step]
            steps.append(step)
    return (*steps, loc[-1]) if is_missing else tuple(steps)


def _leads_on(content: Any, step: str | int) -> bool:
    if isinstance(content, Mapping):
        return step in content
    return isinstance(content, list | tuple) and isinstance(step, int) and step < len(content)


def _message(model: type[BaseModel], loc: Loc, faults: Sequence[Mapping[str, Any]]) -> str:
    """All that is wrong at one place; several there are what the branches of a union wanted."""
    first = faults[0]
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(loc[-1]), _keys_beside(model, loc), n=1)
        return UNKNOWN_KEY + (f", did you mean {near[0]}?" if near else "")
    if first["type"] == "missing":
        return "is missing"
    wanted = list(dict.fromkeys(_wanted(fault) for fault in faults))
    if len(wanted) > 1 and all(text.startswith(_MUST_BE) for text in wanted):
        wanted = [_MUST_BE + " or ".join(text.removeprefix(_MUST_BE) for text in wanted)]
    if first["type"] in ("value_error", "json_invalid"):
        return wanted[0]
    return f"{wanted[0]}, got {shown(first['input'])}"


def _wanted(fault: Mapping[str, Any]) -> str:
    """What a value must be or have."""
    kind = fault["type"]
    limits = {name: _plain(limit) for name, limit in fault.get("ctx", {}).items()}
    if kind in _EXPECTED:
        return _MUST_BE + _EXPECTED[kind].format(**limits)
    if kind in _COUNTED:
        words, number = _COUNTED[kind]
        return f"{words} {counted(limits[number], 'entry', 'entries')}"
    if kind == "json_invalid":
        return f"is not JSON: {limits['error']}"
    message = str(fault["msg"])
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    message = message.replace("Input should be ", _MUST_BE)
    return message[:1].lower() + message[1:]


def _plain(limit: Any) -> Any:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _keys_beside(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that may stand where the last one of `loc` does."""
    models = [model]
    for step in loc[:-1]:
        fields = [own.model_fields[step] for own in models if step in own.model_fields]
        if fields:  # else it is a position in a list, or a name that the file chose
            models = [inner for field in fields for inner in _models_in(field.annotation)]
    return [key for own in models for key in own.model_fields]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation names, as list[Model] | None does."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
