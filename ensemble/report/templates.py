"""The templates of pages; all text is escaped, and a name that is missing is an error."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_BLOCKS = "blocks.html"
_PAGE = "page.html"


def render_block(name: str, **content: Any) -> Markup:
    """The markup of a macro in blocks.html."""
    macro = getattr(_environment().get_template(_BLOCKS).module, name)
    return Markup(macro(**content))  # macros escape what they are given


def render_page(**content: Any) -> str:
    """A whole page, with its style and script inside."""
    parts = {name: Markup(_file(f"page.{name}")) for name in ("css", "js")}
    return _environment().get_template(_PAGE).render(**parts, **content)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ensemble.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _file(name: str) -> str:
    return (files("ensemble.report") / "templates" / name).read_text(encoding="utf-8")
