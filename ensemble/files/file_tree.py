"""Walking a data folder: every visible file, in one order on every machine.

A link to nothing is never left out silently: it is listed as the file that its suffix says, which
whoever reads it will miss, and refused where it may have been a folder.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from ensemble.errors import DataError, few
from ensemble.wording import counted

_ARCHIVE_LITTER = "__MACOSX"


def is_visible(name: str) -> bool:
    """False for what systems leave behind: names with a leading dot, and __MACOSX folders."""
    return not name.startswith(".") and name != _ARCHIVE_LITTER


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Visible files under a folder whose suffix is one of `suffixes`, in any case.

    Sorted by their path relative to the folder, written with slashes. Of several paths to one
    folder, by links, the first is walked. Raises DataError if a folder cannot be listed, and for a
    link to nothing that has another suffix, or names that are not in UTF-8.
    """
    wanted = frozenset(suffixes)
    found = []
    for path in _walk(folder):
        if path.suffix.lower() in wanted:
            found.append(path)
        elif path.is_symlink() and not path.exists():
            raise DataError(
                "is a link to nothing", where=path, remedy="remove it, or restore what it links to"
            )
    _refuse_foreign_names(folder, found)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def find_folders(folder: Path) -> list[Path]:
    """Visible folders that lie directly in a folder, sorted by name."""
    return sorted(path for path in list_folder(folder) if path.is_dir())


def why_unreadable(path: Path, error: OSError) -> str:
    """What to say of a file that the system refused to open, or to look at."""
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return "is a link to nothing"
    return f"cannot be read: {error.strerror}"


def list_folder(folder: Path) -> list[Path]:
    """Everything visible that lies directly in a folder; DataError if it cannot be listed."""
    try:
        return sorted(path for path in folder.iterdir() if is_visible(path.name))
    except OSError as error:
        raise _unlistable(error) from error


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if is_visible(name))
        yield from (Path(place, name) for name in files if is_visible(name))


def _refuse_foreign_names(folder: Path, paths: Collection[Path]) -> None:
    """Names in another encoding cannot be written into tables, journals and pages."""
    names = (path.relative_to(folder).as_posix() for path in paths)
    foreign = [name for name in names if not _is_unicode(name)]
    if foreign:
        shown = sorted(os.fsencode(name).decode("ascii", "backslashreplace") for name in foreign)
        raise DataError(
            counted(len(foreign), "file name is", "file names are") + " not in UTF-8",
            where=folder,
            got=few(shown),
            remedy="rename them, as convmv does for a whole folder",
        )


def _is_unicode(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _refuse(error: OSError) -> None:
    raise _unlistable(error) from error


def _unlistable(error: OSError) -> DataError:
    remedy = None
    if isinstance(error, FileNotFoundError):
        remedy = f"name another folder, or run in the one that holds it; this is {Path.cwd()}"
    elif isinstance(error, NotADirectoryError):
        remedy = "name the folder in which it lies"
    return DataError(
        f"the folder cannot be listed: {error.strerror}", where=error.filename, remedy=remedy
    )
