"""A YAML file whose values know where they stand, so that a fault can name its line and column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ensemble.errors import ConfigError
from ensemble.files.faults import Fault
from ensemble.files.yaml_file import read_yaml_file


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A parsed file: `content` in plain types, `root` its nodes, `path` for messages."""

    path: Path
    content: Any
    root: yaml.Node | None

    def line(self, fault: Fault) -> str:
        """The fault as "zoo.yaml:8:5: members.1.arch: ...", counted from 1."""
        row, column = self.place(fault.loc)
        key = ".".join(map(str, fault.loc))
        return f"{self.path.name}:{row}:{column}: {key + ': ' if key else ''}{fault.message}"

    def place(self, loc: Sequence[str | int]) -> tuple[int, int]:
        """Line and column, from 1, of the deepest part of `loc` that is in the file."""
        node, mark = self.root, None if self.root is None else self.root.start_mark
        for part in loc:
            found = _step(node, part)
            if found is None:
                break
            node, mark = found
        return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def read_yaml(path: Path) -> YamlDocument:
    """Read a file of one YAML document; raises ConfigError for what is no YAML or no text."""
    parsed = read_yaml_file(path, ConfigError)
    return YamlDocument(path, parsed.content, parsed.root)


def _step(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Mark] | None:
    """The value behind one part of a loc, and where to point: at the key, or at the list item."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark
    return None
