"""How members are fused: a weight for every member and class, thresholds, and `per-class.json`."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ensemble.errors import EnsError, WeightsError, few
from ensemble.files.faults import list_faults
from ensemble.files.json_file import read_json_file
from ensemble.files.whole_file import whole_file
from ensemble.fusion_space import PROB_FLOOR, FusionSpace
from ensemble.maps.views import parse_views
from ensemble.members.member import Member
from ensemble.members.roster import merge_class_lists
from ensemble.runs.filters import NO_FILTER, ClassFilter

FORMAT: Literal["ens-weights"] = "ens-weights"
VERSION: Literal[1] = 1

_LINE_LENGTH = 90
# In JSON a line ends only between tokens, so braces at line ends are no part of a string.
_PLAIN_OBJECT = re.compile(r"\{\n\s*([^{}\[\]]*)\n\s*\}")


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Weights (M, C) >= 0 of M members for C classes, and thresholds (C,) of probabilities.

    A class's weights need not sum to 1; a member that lacks the class weighs 0. `sha256s` are the
    member files for which they were made, None where any file of the name will do. `views` is a
    specification as `--tta` takes it. `filters`: what is done to the masks, (C,) or () for nothing.
    Raises WeightsError for shapes or values that cannot be, and where logits are averaged for
    thresholds beyond PROB_FLOOR, which no average can cross.
    """

    members: tuple[str, ...]
    sha256s: tuple[str | None, ...]
    class_names: tuple[str, ...]
    weights: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    space: FusionSpace = "prob"
    views: str = ""
    filters: tuple[ClassFilter, ...] = ()

    def __post_init__(self) -> None:
        _check_names(self.members, "member")
        _check_names(self.class_names, "class")
        shape = (len(self.members), len(self.class_names))
        if self.weights.shape != shape or self.thresholds.shape != shape[1:]:
            raise WeightsError(
                "weights and thresholds have another shape",
                expected=f"{shape} and {shape[1:]}",
                got=f"{self.weights.shape} and {self.thresholds.shape}",
            )
        if not (np.isfinite(self.weights).all() and (self.weights >= 0).all()):
            raise WeightsError("a weight must be a number from 0 on")
        if self.filters and len(self.filters) != len(self.class_names):
            raise WeightsError(
                "filters are of another number of classes",
                expected=f"{len(self.class_names)}",
                got=f"{len(self.filters)}",
            )
        floor = 0.0 if self.space == "prob" else PROB_FLOOR
        sure = [each.sure_threshold for each in self.filters if each.min_sure_px]
        thresholds = np.append(self.thresholds, sure)
        if not ((thresholds > floor) & (thresholds < 1 - floor)).all():
            raise WeightsError(f"a threshold must lie between {floor:g} and {1 - floor:g}")
        with np.errstate(over="ignore"):
            sums = self.weights.sum(0)
        if weightless := [self.class_names[c] for c in np.flatnonzero(sums <= 0)]:
            raise WeightsError("no member has a weight for", got=", ".join(weightless))
        if endless := [self.class_names[c] for c in np.flatnonzero(np.isinf(sums))]:
            raise WeightsError("the weights are too large to be summed for", got=", ".join(endless))

    def for_classes(self, class_names: tuple[str, ...]) -> FusionWeights:
        """The same with the classes in another order."""
        order = [self.class_names.index(name) for name in class_names]
        return replace(
            self,
            class_names=class_names,
            weights=self.weights[:, order],
            thresholds=self.thresholds[order],
            filters=tuple(self.filters[c] for c in order) if self.filters else (),
        )


def _check_names(names: Sequence[str], kind: str) -> None:
    """Raise WeightsError for names of members or classes that are none, or that are doubled."""
    if not names:
        raise WeightsError(f"there is no {kind}", expected=f"one {kind} or more")
    if doubled := [name for name, count in Counter(names).items() if count > 1]:
        raise WeightsError(f"a {kind} is listed twice", got=", ".join(doubled))


def uniform_weights(
    members: Sequence[Member], *, views: str = "", space: FusionSpace = "prob"
) -> FusionWeights:
    """Every class weighs every member that has it equally; threshold 0.5."""
    class_names = merge_class_lists(members).names
    weights = [
        [float(name in member.manifest.class_list.names) for name in class_names]
        for member in members
    ]
    return FusionWeights(
        members=tuple(member.name for member in members),
        sha256s=tuple(member.sha256 for member in members),
        class_names=class_names,
        weights=np.array(weights, np.float64),
        thresholds=np.full(len(class_names), 0.5),
        space=space,
        views=views,
    )


def match_members(weights: FusionWeights, members: Sequence[Member]) -> list[Member]:
    """The members in the order of the weights; raises WeightsError unless they are those members.

    They must have the same names, the files must be those that the weights were made for, and each
    must have every class for which it has a weight.
    """
    by_name = {member.name: member for member in members}
    if set(by_name) != set(weights.members):
        raise WeightsError(
            "the weights are for other members",
            expected=", ".join(sorted(weights.members)),
            got=", ".join(sorted(by_name)),
            remedy="give --members just these, or run ens tune-weights again",
        )
    expected = merge_class_lists(members).names
    if set(expected) != set(weights.class_names):
        raise WeightsError(
            "the weights are for other classes than the members'",
            expected=", ".join(expected),
            got=", ".join(weights.class_names),
        )
    ordered = [by_name[name] for name in weights.members]
    for member, sha256, row in zip(ordered, weights.sha256s, weights.weights, strict=True):
        if sha256 is not None and sha256 != member.sha256:
            raise WeightsError(
                f"the weights were made for another file of the member {member.name}",
                expected=f"sha256 {sha256[:12]}",
                got=member.sha256[:12],
                remedy="run ens tune-weights again, or delete the sha256 to use them all the same",
            )
        _check_classes(member, weights.class_names, row)
    return ordered


def _check_classes(member: Member, class_names: tuple[str, ...], row: NDArray[np.float64]) -> None:
    known = set(member.manifest.class_list.names)
    lacking = [
        name for name, weight in zip(class_names, row, strict=True) if weight and name not in known
    ]
    if lacking:
        raise WeightsError(
            f"the member {member.name} has a weight for classes that it lacks",
            got=", ".join(lacking),
        )


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
