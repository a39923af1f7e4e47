"""A page: sections of blocks, written as one HTML file with its tables beside it."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

from markupsafe import Markup

from ensemble.errors import OutputError
from ensemble.files.output_place import refuse_full
from ensemble.files.whole_file import whole_file
from ensemble.report.tables import Table, write_table
from ensemble.report.templates import render_page

PAGE_FILE = "index.html"
# What a page says of itself stands before its style, in far fewer bytes than these.
_HEAD_BYTES = 64_000

Kind = Literal["page", "explore", "errors", "ensemble", "comparison"]


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a title; `slug` is its address in the page. `tables` become files."""

    slug: str
    title: str
    blocks: tuple[Markup, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Sections in order; `facts` are figures with their words, shown large at the top.

    A page takes the place of an earlier one of its `kind` only.
    """

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    kind: Kind = "page"

    def table_files(self) -> list[str]:
        """The names of the files beside the page."""
        return [table.file_name for table in self.tables]

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables of all sections, in order."""
        return tuple(table for section in self.sections for table in section.tables)


def render(page: Page) -> str:
    """The page as HTML that needs nothing else."""
    return render_page(page=page)


def check_page_folder(folder: Path, *, kind: Kind | None = None) -> None:
    """Raise OutputError for a folder that holds anything but an earlier page of ours.

    With `kind`, for a page of another kind too; a page that does not say what it is may be any.
    """
    there = _page_in(folder)
    if there is None:
        refuse_full(folder, expected="a new or empty folder, or that of an earlier page")
    elif kind is not None and there.kind not in ("", kind):
        raise OutputError(
            "holds a page of another kind",
            where=folder,
            expected=f"a new or empty folder, or an earlier page of kind {kind}",
            got=f"{PAGE_FILE} of kind {there.kind}",
            remedy="name another folder, or remove this one",
        )


def write_page(folder: Path, page: Page) -> Path:
    """Write index.html and the tables of all sections into a folder; the path of the page.

    Tables that an earlier page lists and this one lacks are removed, and nothing else is. Raises
    OutputError if something cannot be written, and as `check_page_folder` does; the page is written
    after its tables.
    """
    check_page_folder(folder, kind=page.kind)
    there = _page_in(folder)
    for table in page.tables:
        write_table(folder, table)
    path = folder / PAGE_FILE
    with whole_file(path) as part:
        part.write_text(render(page), encoding="utf-8")
    if there is not None:
        _remove_tables(folder, set(there.tables) - set(page.table_files()))
    return path


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What a page in a folder says of itself: its kind, "" if it says none, and its tables."""

    kind: str
    tables: tuple[str, ...]


class _Metas(HTMLParser):
    """The name and content of every meta tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str | None, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a tag <meta name="..." content="..."> says."""
        if tag == "meta":
            given = dict(attrs)
            self.found.append((given.get("name"), given.get("content") or ""))


def _page_in(folder: Path) -> _Earlier | None:
    """The page in a folder; None if there is none, or none of ours."""
    try:
        with (folder / PAGE_FILE).open("rb") as file:
            head = file.read(_HEAD_BYTES).partition(b"<style")[0]
    except OSError:
        return None
    metas = _Metas(head.decode("utf-8", "replace")).found
    if ("generator", "ens") not in metas:
        return None
    kinds = [content for name, content in metas if name == "ens-page"]
    tables = tuple(content for name, content in metas if name == "ens-table")
    return _Earlier("".join(kinds), tables)


def _remove_tables(folder: Path, names: set[str]) -> None:
    for name in sorted(names):
        path = folder / name
        # a page may have been changed by hand: nothing outside of its folder, nothing but tables
        if any(mark in name for mark in "/\\:") or path.suffix != ".csv" or not path.is_file():
            continue
        try:
            path.unlink()
        except OSError as error:
            raise OutputError(
                f"a table of the earlier page cannot be removed: {error.strerror}",
                where=path,
                remedy="remove it by hand",
            ) from error
