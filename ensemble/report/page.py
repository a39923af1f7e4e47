"""A page: sections of blocks, written as one HTML file with its tables beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from ensemble.files.output_place import refuse_full
from ensemble.files.whole_file import whole_file
from ensemble.report.tables import Table, write_table
from ensemble.report.templates import render_page

PAGE_FILE = "index.html"
# By what a page is known as ours, near its beginning.
_SIGN, _HEAD_BYTES = b'<meta name="generator" content="ens">', 1000


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a title; `slug` is its address in the page. `tables` become files."""

    slug: str
    title: str
    blocks: tuple[Markup, ...]
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Sections in order; `facts` are figures with their words, shown large at the top."""

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables of all sections, in order."""
        return tuple(table for section in self.sections for table in section.tables)


def render(page: Page) -> str:
    """The page as HTML that needs nothing else."""
    return render_page(page=page)


def check_page_folder(folder: Path) -> None:
    """Raise OutputError for a folder that holds anything but an earlier page of ours."""
    try:
        with (folder / PAGE_FILE).open("rb") as file:
            is_ours = _SIGN in file.read(_HEAD_BYTES)
    except OSError:
        is_ours = False
    if not is_ours:
        refuse_full(folder, expected="a new or empty folder, or that of an earlier page")


def write_page(folder: Path, page: Page) -> Path:
    """Write index.html and the tables of all sections into a folder; the path of the page.

    Raises OutputError if something cannot be written, and as `check_page_folder` does; the page is
    written last.
    """
    check_page_folder(folder)
    for table in page.tables:
        write_table(folder, table)
    path = folder / PAGE_FILE
    with whole_file(path) as part:
        part.write_text(render(page), encoding="utf-8")
    return path
