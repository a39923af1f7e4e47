"""The list of classes: names in order, and what is true of all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.errors import ClassListError, few
from ensemble.files.yaml_file import read_yaml_file
from ensemble.wording import shown

CLASS_FILE = "classes.yaml"
BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class ClassList:
    """Class names in order; index c of any (C, H, W) array is `names[c]`.

    `exclusive`: every pixel belongs to exactly one class (argmax), otherwise classes may overlap.
    In an exclusive list a class called "background" takes the pixels that no other class has.
    `mirror_pairs`: names that swap when an image is mirrored (left lung, right lung).
    `values`: for index maps, the pixel value of each class; by default its index.
    `ignore`: for index maps, a pixel value that is left out of loss and metrics.
    Raises ClassListError if the parts contradict each other.
    """

    names: tuple[str, ...]
    exclusive: bool = False
    mirror_pairs: tuple[tuple[str, str], ...] = ()
    values: tuple[int, ...] | None = None
    ignore: int | None = None

    def __post_init__(self) -> None:
        if not self.names:
            raise ClassListError("names is empty", expected="at least one class")
        _refuse_doubles("names", self.names)
        for name in self.names:
            _check_name(name)
        paired = [name for pair in self.mirror_pairs for name in pair]
        if unknown := sorted(set(paired) - set(self.names)):
            raise ClassListError("mirror_pairs name unknown classes", got=", ".join(unknown))
        _refuse_doubles("mirror_pairs", paired)
        if self.values is not None:
            _refuse_doubles("values", self.values)
            if len(self.values) != len(self.names):
                raise ClassListError(
                    "values must give one pixel value a class",
                    expected=len(self.names),
                    got=len(self.values),
                )
        if self.ignore is not None and self.ignore in self.pixel_values:
            raise ClassListError(
                f"ignore is the pixel value {self.ignore}, which is that of a class"
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def pixel_values(self) -> tuple[int, ...]:
        """The pixel value of each class in an index map."""
        return tuple(range(len(self.names))) if self.values is None else self.values

    @property
    def background(self) -> int | None:
        """Index of the class that takes the pixels of no other class; None where there is none."""
        if self.exclusive and BACKGROUND in self.names:
            return self.names.index(BACKGROUND)
        return None

    @property
    def mirror_permutation(self) -> tuple[int, ...]:
        """For each class the one that it becomes in a mirror image; its own inverse."""
        partner = dict(self.mirror_pairs) | {b: a for a, b in self.mirror_pairs}
        return tuple(self.names.index(partner.get(name, name)) for name in self.names)

    def index(self, name: str) -> int:
        """Position of a class; raises ClassListError for a name that is not in the list."""
        try:
            return self.names.index(name)
        except ValueError:
            raise ClassListError(
                f"unknown class {name!r}", expected=f"one of {', '.join(self.names)}"
            ) from None


def _check_name(name: str) -> None:
    if not name or name != name.strip() or any(character in name for character in "\n\r/\\"):
        raise ClassListError(
            "a class name must be plain text",
            got=repr(name),
            expected="no slash, line end or border blank",
        )


def _refuse_doubles(what: str, values: Sequence[object]) -> None:
    if doubled := [str(value) for value, count in Counter(values).items() if count > 1]:
        raise ClassListError(f"{what} holds the same value twice", got=", ".join(doubled))


# The 29 bones of the hand-bone contest, in the order of its submission.
HAND_BONES = ClassList(
    names=(
        *(f"finger-{number}" for number in range(1, 20)),
        *("Trapezium", "Trapezoid", "Capitate", "Hamate", "Scaphoid"),
        *("Lunate", "Triquetrum", "Pisiform", "Radius", "Ulna"),
    )
)


def find_class_list(folder: Path) -> ClassList | None:
    """The class list in `classes.yaml` inside a data folder or up to two levels above, or None."""
    here = folder.resolve()
    for place in (here, *list(here.parents)[:2]):
        path = place / CLASS_FILE
        if path.is_file():
            return read_class_list(path)
    return None


def read_class_list(path: Path) -> ClassList:
    """Read a `classes.yaml`; raises ClassListError with the path for anything wrong in it."""
    content = read_yaml_file(path, ClassListError).content
    try:
        return class_list_from_dict(content)
    except ClassListError as error:
        raise error.at(path) from error


def class_list_from_dict(content: Any) -> ClassList:
    """Build a class list from plain types, as `classes.yaml` and member manifests hold it."""
    known = {"names", "exclusive", "mirror_pairs", "values", "ignore"}
    if not isinstance(content, dict):
        raise ClassListError("must be a mapping with the key names", got=shown(content))
    if "names" not in content:
        raise ClassListError(
            "must have the key names",
            got=f"the keys {few([str(key) for key in content])}" if content else "no key",
        )
    if unknown := sorted(str(key) for key in set(content) - known):
        raise ClassListError(
            "unknown keys", got=", ".join(unknown), expected=", ".join(sorted(known))
        )
    exclusive = content.get("exclusive", False)
    if not isinstance(exclusive, bool):
        raise ClassListError("exclusive must be true or false", got=shown(exclusive))
    pairs = _list_of("mirror_pairs", content.get("mirror_pairs") or [])
    values = content.get("values")
    ignore = content.get("ignore")
    if ignore is not None and not _is_int(ignore):
        raise ClassListError("ignore must be a pixel value", got=shown(ignore))
    return ClassList(
        names=_names(content["names"]),
        exclusive=exclusive,
        mirror_pairs=tuple(_pair(pair) for pair in pairs),
        values=None if values is None else _pixel_values(values),
        ignore=ignore,
    )


def class_list_to_dict(classes: ClassList) -> dict[str, Any]:
    """The inverse of `class_list_from_dict`; keys at their default are left out."""
    content: dict[str, Any] = {"names": list(classes.names), "exclusive": classes.exclusive}
    if classes.mirror_pairs:
        content["mirror_pairs"] = [list(pair) for pair in classes.mirror_pairs]
    if classes.values is not None:
        content["values"] = list(classes.values)
    if classes.ignore is not None:
        content["ignore"] = classes.ignore
    return content


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _list_of(key: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ClassListError(f"{key} must be a list", got=shown(value))
    return value


def _names(value: object) -> tuple[str, ...]:
    names = _list_of("names", value)
    if wrong := [repr(name) for name in names if not isinstance(name, str)]:
        raise ClassListError(
            "names must be text",
            got=", ".join(wrong),
            remedy="YAML reads 11, no and 1.0 as other types: quote them",
        )
    return tuple(names)


def _pair(value: object) -> tuple[str, str]:
    if not isinstance(value, list) or len(value) != 2:
        raise ClassListError("a mirror pair must be two class names", got=shown(value))
    first, second = _names(value)
    return first, second


def _pixel_values(value: object) -> tuple[int, ...]:
    values = _list_of("values", value)
    if not all(_is_int(number) and number >= 0 for number in values):
        raise ClassListError("values must be whole numbers from 0 on", got=shown(value))
    return tuple(values)
