"""`zoo.yaml`: the data, and the members to train on it; read with all its faults at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from ensemble.errors import ConfigError
from ensemble.files.faults import UNKNOWN_KEY, Fault, find_faults
from ensemble.files.whole_file import LONGEST_NAME_BYTES
from ensemble.members.roster import SUFFIX
from ensemble.wording import shown
from models_zoo.settings.augment_spec import PRESET, AugmentSpec
from models_zoo.settings.member_spec import (
    MemberSpec,
    WindowSection,
    fold_suffix,
    names_its_encoder,
)
from models_zoo.settings.network_check import network_fault
from models_zoo.settings.section import Section
from models_zoo.settings.sweep import SWEEP, Combination, combinations
from models_zoo.settings.yaml_document import YamlDocument, read_yaml

_NO_WEIGHTS = "must be imagenet, none, or a file: there is no {}"


class ZooFileError(ConfigError):
    """The faults of a zoo file, a line each: "zoo.yaml:8:5: members.1.arch: ..."."""

    def __str__(self) -> str:
        return self.what


class SplitSpec(Section):
    """Which fold of the training folder is held out where there is no validation folder.

    `folds` where they are not stated: 5, or one for each group of fewer. `fold: all` trains every
    member once for each fold. `stratify`: what each fold gets its share
    of, see `image_traits`.
    """

    folds: Annotated[int, Field(ge=2)] = 5
    fold: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    seed: Annotated[int, Field(ge=0)] = 0
    stratify: list[str] = Field(default_factory=list)


class DataSpec(Section):
    """Where the labelled folders lie, relative to zoo.yaml, and what keeps images together.

    `groups`: a regular expression over image names, see `open_labelled`. `split` holds a fold of
    `train` out instead of using `val`; without either it is done where val/ does not exist.
    `cache: disk` keeps examples beside the members until the last of them is trained.
    """

    train: str = "train"
    val: str | None = None
    groups: str | None = None
    split: SplitSpec | None = None
    cache: Literal["disk", "none"] = "disk"


class ZooDocument(Section):
    """The outermost mapping; members are validated one by one, merged with the defaults."""

    data: DataSpec = DataSpec()
    defaults: dict[str, Any] = Field(default_factory=dict)
    members: Annotated[list[dict[str, Any]], Field(min_length=1)]


_SECTIONS: Mapping[str, type[BaseModel]] = {
    "the file itself": ZooDocument,
    "data": DataSpec,
    "data.split": SplitSpec,
    "a member or defaults": MemberSpec,
    "augment": AugmentSpec,
    "window": WindowSection,
}


@dataclass(frozen=True, slots=True)
class _Placed:
    """A member, and which entry of the file it comes from."""

    spec: MemberSpec
    index: int


@dataclass(frozen=True, slots=True)
class Zoo:
    """A zoo file that is free of faults; the names of its members differ."""

    path: Path
    data: DataSpec
    members: tuple[MemberSpec, ...]

    @property
    def folder(self) -> Path:
        """The folder to which the paths in the file are relative."""
        return self.path.parent

    def place(self, name: str) -> Path:
        """A path of the file; "~" is the home folder."""
        return self.folder / Path(name).expanduser()


def read_zoo(path: Path) -> Zoo:
    """Read and check a zoo file; raises ZooFileError with a line for every fault in it.

    Every network is built once without weights and shown its input size, so that a pair that does
    not exist, an unknown option or a size off the stride is found now and not hours later.
    """
    if not path.is_file():
        raise ConfigError(
            "no such zoo file",
            where=path,
            remedy="write a commented one to start from with: ens train-zoo --example > zoo.yaml",
        )
    document = read_yaml(path)
    top, faults = _validate(ZooDocument, document.content)
    specs: list[_Placed] = []
    for index, member, defaults in _member_mappings(document.content):
        found, wrong = combinations(member, defaults, ("members", index))
        faults += wrong
        for each in found:
            spec, wrong = _check_member(each, index, defaults, path.parent)
            faults += wrong
            specs += [] if spec is None else [_Placed(spec, index)]
    faults += _doubled(specs)
    faults += _too_long(specs, top.data.split if isinstance(top, ZooDocument) else None)
    if faults or not isinstance(top, ZooDocument):
        raise ZooFileError(_report(document, faults))
    return Zoo(path, top.data, tuple(placed.spec for placed in specs))


def _member_mappings(content: Any) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """Index, member and defaults of every member that is a mapping, whatever else is wrong."""
    if not isinstance(content, dict) or not isinstance(content.get("members"), list):
        return
    defaults = content.get("defaults")
    for index, member in enumerate(content["members"]):
        if isinstance(member, dict):
            yield index, member, defaults if isinstance(defaults, dict) else {}


def _validate(model: type[BaseModel], content: Any) -> tuple[BaseModel | None, list[Fault]]:
    if content is None:
        return None, [Fault((), "is empty (ens train-zoo --example prints one to start from)")]
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        return None, find_faults(model, content, error)


def _merge(defaults: Mapping[str, Any], member: Mapping[str, Any]) -> dict[str, Any]:
    """A member on top of the defaults; augment, window and options key by key.

    A preset of its own leaves nothing of the defaults' augment. torchvision's architectures have no
    encoder, so a default one passes them by.
    """
    merged = {key: value for key, value in defaults.items() if key != SWEEP} | dict(member)
    for key in ("augment", "window", "options"):
        below, above = defaults.get(key), member.get(key)
        if key == "augment" and isinstance(below, str) and isinstance(above, Mapping):
            below = {PRESET: below}
        if isinstance(below, Mapping) and isinstance(above, Mapping) and PRESET not in above:
            merged[key] = {**below, **above}
    if names_its_encoder(merged) and "encoder" not in member:
        merged.pop("encoder", None)
    return merged


def _check_member(
    member: Combination, index: int, defaults: Mapping[str, Any], folder: Path
) -> tuple[MemberSpec | None, list[Fault]]:
    """A member's spec, or its faults, each placed in the member or in the defaults it came from.

    The network is looked at even where other keys are wrong, with those at their defaults.
    """
    content = _merge(defaults, member.content)
    spec, faults = _validate(MemberSpec, content)
    wrong = {fault.loc[0] for fault in faults if fault.loc}
    sound, _ = _validate(
        MemberSpec, {key: value for key, value in content.items() if key not in wrong}
    )
    if isinstance(sound, MemberSpec) and (fault := network_fault(sound)) is not None:
        faults.append(fault)
    if isinstance(spec, MemberSpec) and spec.weights_file is not None:
        spec = spec.model_copy(update={"weights": str((folder / spec.weights).resolve())})
        if not Path(spec.weights).exists():
            faults.append(Fault(("weights",), _NO_WEIGHTS.format(spec.weights)))
    if faults or not isinstance(spec, MemberSpec):
        return None, [_in_the_file(fault, index, member) for fault in faults]
    if member.picks:
        name = member.name_after(spec.full_name, is_given=spec.name is not None)
        spec = spec.model_copy(update={"name": name})
    return spec, []


def _in_the_file(fault: Fault, index: int, member: Combination) -> Fault:
    """The fault of a member where its value stands: in the member, its sweep, or the defaults."""
    key = fault.loc[0] if fault.loc else None
    if (swept := member.loc_of(key)) is not None:
        return Fault(swept + fault.loc[1:], fault.message)
    from_defaults = key is not None and key not in member.content and fault.message != "is missing"
    return Fault(
        ((("defaults",) if from_defaults else ("members", index)) + fault.loc), fault.message
    )


def _doubled(specs: Sequence[_Placed]) -> Iterator[Fault]:
    """Members of the same name, and members that would become the same network."""
    by_name: dict[str, _Placed] = {}
    by_settings: dict[str, _Placed] = {}
    for placed in specs:
        name = placed.spec.full_name
        settings = placed.spec.model_copy(update={"name": None}).model_dump_json()
        other, twin = by_name.setdefault(name, placed), by_settings.setdefault(settings, placed)
        if other is not placed:
            yield Fault(
                ("members", placed.index, "name"),
                f"is {name}, like that of member {other.index}: give one of them another name",
            )
        elif twin is not placed:
            yield Fault(
                ("members", placed.index),
                f"{name} would become the same network as {twin.spec.full_name} (member "
                f"{twin.index}): change something, such as its seed, or leave one out",
            )


def _too_long(specs: Sequence[_Placed], split: SplitSpec | None) -> Iterator[Fault]:
    """Members whose files could not be written, with what folds add to their names."""
    suffix = SUFFIX
    if split is not None and split.fold == "all":
        suffix = fold_suffix(split.folds - 1) + suffix
    most = LONGEST_NAME_BYTES - len(suffix)
    for placed in specs:
        name = placed.spec.full_name
        if len(name) > most:  # names are of ASCII
            yield Fault(
                ("members", placed.index, "name"),
                f"its name becomes that of a file, and has {len(name)} letters: at most {most} "
                f"fit, give it a shorter name than {shown(name)}",
            )


def _report(document: YamlDocument, faults: Sequence[Fault]) -> str:
    """One line a fault, in the order of the file; a fault of a default is told once."""
    told = map(_with_its_section, faults)
    lines = {document.line(fault): document.place(fault.loc) for fault in told}
    return "\n".join(sorted(lines, key=lambda line: lines[line]))


def _with_its_section(fault: Fault) -> Fault:
    """A key that stands in the wrong section is told where it belongs."""
    if not fault.message.startswith(UNKNOWN_KEY):
        return fault
    homes = [where for where, section in _SECTIONS.items() if fault.loc[-1] in section.model_fields]
    return (
        Fault(fault.loc, f"{UNKNOWN_KEY}, it belongs in {' or '.join(homes)}") if homes else fault
    )
