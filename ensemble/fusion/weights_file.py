"""per-class.json: fusion weights as a file that people read and edit."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ensemble.errors import EnsError, WeightsError, few
from ensemble.files.faults import list_faults
from ensemble.files.json_file import read_json_file
from ensemble.files.whole_file import whole_file
from ensemble.fusion.weights import FusionWeights
from ensemble.fusion_space import FusionSpace
from ensemble.maps.views import parse_views
from ensemble.runs.filters import NO_FILTER, ClassFilter

FORMAT: Literal["ens-weights"] = "ens-weights"
VERSION: Literal[1] = 1

_LINE_LENGTH = 90
# In JSON a line ends only between tokens, so braces at line ends are no part of a string.
_PLAIN_OBJECT = re.compile(r"\{\n\s*([^{}\[\]]*)\n\s*\}")
# Nothing is converted: a number in quotes may be a slip in the line below.
_STRICT = ConfigDict(extra="forbid", strict=True)


class MemberEntry(BaseModel):
    """A member in per-class.json; sha256 null accepts any file of the name."""

    model_config = _STRICT

    name: str
    sha256: str | None = None


class FilterEntry(BaseModel):
    """A class's filter in per-class.json, as `ClassFilter`."""

    model_config = _STRICT

    fill_holes: bool = False
    keep_largest: Annotated[int, Field(ge=0)] = 0
    min_area_px: Annotated[int, Field(ge=0)] = 0
    sure_threshold: Annotated[float, Field(ge=0, lt=1)] = 0.0
    min_sure_px: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _sure_in_both(self) -> FilterEntry:
        if (self.sure_threshold > 0) != (self.min_sure_px > 0):
            raise ValueError("sure_threshold and min_sure_px go together: give both or none")
        return self


class ClassEntry(BaseModel):
    """One class in per-class.json; members that are not named weigh 0.

    Exclusive classes have no use for their thresholds, but the file does not know which it is for.
    """

    model_config = _STRICT

    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    threshold: Annotated[float, Field(gt=0, lt=1)]
    filter: FilterEntry = Field(default_factory=FilterEntry)
    rule: str = "by hand"
    evidence: dict[str, Any] = Field(default_factory=dict)


class WeightsFile(BaseModel):
    """The content of per-class.json; `evidence` is for people and is not used."""

    model_config = _STRICT

    format: Literal["ens-weights"]
    version: Literal[1]
    space: FusionSpace = "prob"
    views: str = ""
    members: list[MemberEntry]
    evidence: dict[str, Any] = Field(default_factory=dict)
    classes: dict[str, ClassEntry]


def read_weights_file(path: Path) -> WeightsFile:
    """The content of a per-class.json, evidence and all; raises WeightsError as `read_weights`."""
    content = read_json_file(path, WeightsError, remedy="make it with: ens tune-weights val/")
    try:
        return WeightsFile.model_validate(content)
    except ValidationError as error:
        faults = few(list_faults(WeightsFile, content, error))
        raise WeightsError(f"is not a weights file: {faults}", where=path) from error


def read_weights(path: Path) -> FusionWeights:
    """Read a per-class.json; raises WeightsError with the path and the faults in it."""
    stored = read_weights_file(path)
    try:
        return _from_file(stored)
    except EnsError as error:
        raise WeightsError(str(error), where=path) from error


def write_weights(
    path: Path,
    weights: FusionWeights,
    *,
    rules: Sequence[str] = (),
    class_evidence: Sequence[dict[str, Any]] = (),
    evidence: dict[str, Any] | None = None,
) -> None:
    """Write a per-class.json, whole or not at all; rules and evidence have an entry a class."""
    names = weights.class_names
    entries = {
        name: ClassEntry(
            weights={
                member: float(f"{weights.weights[m, c]:.6g}")
                for m, member in enumerate(weights.members)
            },
            threshold=round(float(weights.thresholds[c]), 6),
            filter=FilterEntry(**asdict(weights.filters[c])) if weights.filters else FilterEntry(),
            rule=rules[c] if rules else "by hand",
            evidence=class_evidence[c] if class_evidence else {},
        )
        for c, name in enumerate(names)
    }
    stored = WeightsFile(
        format=FORMAT,
        version=VERSION,
        space=weights.space,
        views=weights.views,
        members=[
            MemberEntry(name=name, sha256=sha256)
            for name, sha256 in zip(weights.members, weights.sha256s, strict=True)
        ],
        evidence=evidence or {},
        classes=entries,
    )
    content = stored.model_dump(mode="json")
    for name, entry in entries.items():
        content["classes"][name]["filter"] = entry.filter.model_dump(exclude_defaults=True)
        if not content["classes"][name]["filter"]:
            del content["classes"][name]["filter"]
    with whole_file(path) as part:
        part.write_text(_to_json(content), encoding="utf-8")


def _to_json(content: dict[str, Any]) -> str:
    """Indented JSON in which an object of a few plain values stands on one line."""

    def join(match: re.Match[str]) -> str:
        line = re.sub(r"\n\s*", " ", match[1])
        return f"{{{line}}}" if len(line) <= _LINE_LENGTH else match[0]

    text = json.dumps(content, indent=1, ensure_ascii=False)
    return _PLAIN_OBJECT.sub(join, text) + "\n"


def _from_file(stored: WeightsFile) -> FusionWeights:
    members = [entry.name for entry in stored.members]
    unknown = sorted(
        {name for entry in stored.classes.values() for name in entry.weights} - set(members)
    )
    if unknown:
        raise WeightsError(
            "classes weigh members that the file does not list",
            got=", ".join(unknown),
            expected=", ".join(members),
        )
    parse_views(stored.views)  # a slip in them is said of this file
    entries = list(stored.classes.values())
    filters = tuple(ClassFilter(**entry.filter.model_dump()) for entry in entries)
    return FusionWeights(
        members=tuple(members),
        sha256s=tuple(entry.sha256 for entry in stored.members),
        class_names=tuple(stored.classes),
        weights=np.array([[e.weights.get(m, 0.0) for e in entries] for m in members], np.float64),
        thresholds=np.array([entry.threshold for entry in entries], np.float64),
        space=stored.space,
        views=stored.views,
        filters=filters if any(each != NO_FILTER for each in filters) else (),
    )
