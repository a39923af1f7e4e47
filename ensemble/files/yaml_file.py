"""Reading a YAML file so that whatever is wrong in it is one stated error with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ensemble.errors import EnsError


@dataclass(frozen=True, slots=True)
class ParsedYaml:
    """A file of one YAML document: `content` in plain types, `root` its nodes with their places."""

    content: Any
    root: yaml.Node | None


def read_yaml_file(path: Path, error_type: type[EnsError]) -> ParsedYaml:
    """Read a file of one YAML document; raises `error_type` for what is no YAML or no text.

    A key that stands twice in a mapping is an error: YAML itself would keep the last silently.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        doubled = [] if root is None else sorted(_doubled_keys(root, set()))
        content = yaml.load(text, Loader=_PlacingLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = path if mark is None else f"{path}:{mark.line + 1}:{mark.column + 1}"
        problem = error.problem or error.context or ""
        raise error_type(f"is not YAML: {problem}", where=place, remedy=_remedy(error)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise error_type(f"is not YAML: {error}", where=path) from error
    except RecursionError as error:
        raise error_type("is nested too deeply", where=path) from error
    except OSError as error:
        raise error_type(f"cannot be read: {error.strerror}", where=path) from error
    if doubled:
        raise error_type(
            "; ".join(
                f"{path.name}:{row}:{column}: the key {key} stands twice in its mapping"
                for row, column, key in doubled
            )
        )
    return ParsedYaml(content, root)


def _remedy(error: yaml.MarkedYAMLError) -> str | None:
    """What most likely leads to what the parser says; it has no word for single values."""
    if isinstance(error, yaml.scanner.ScannerError) and "\\t" in (error.problem or ""):
        return "indent with spaces, not with tabs"
    if isinstance(error, yaml.scanner.ScannerError | yaml.parser.ParserError):
        return "look at indentation, colons and brackets, in this line and the one before"
    return None


class _PlacingLoader(yaml.SafeLoader):
    """A SafeLoader that says where a value is that only looks like a date or a number."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        # what the constructors of dates, numbers and tags raise for 2024-13-45, 0b_, !!bool maybe
        except (ValueError, LookupError, AttributeError) as error:
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"{node.value!r} is no {node.tag.rpartition(':')[2]}: {error}",
                node.start_mark,
            ) from error


def _doubled_keys(node: yaml.Node, walked: set[int]) -> Iterator[tuple[int, int, str]]:
    """Line, column and name of every key that its mapping already has; aliases are walked once."""
    if id(node) in walked:
        return
    walked.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _doubled_keys(item, walked)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            # "<<" merges other mappings and may stand twice; what is no plain word is no key of
            # Python's either, which the loader says
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    yield key.start_mark.line + 1, key.start_mark.column + 1, key.value
                seen.add(key.value)
            yield from _doubled_keys(value, walked)
