"""How a flow says how far it is, without knowing of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """Opens one task: `with progress("predicting", 300) as advance: ... advance(1)`."""

    def __call__(self, task: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Start a task of `total` steps; the yielded function counts steps done."""
        ...


Tell = Callable[[str], None]
"""Hears a line that a person should read while a flow runs."""


def unheard(line: str) -> None:
    """A line that nobody hears."""
    del line


@contextmanager
def silent(task: str, total: int) -> Iterator[Callable[[int], None]]:
    """Progress that nobody sees."""
    del task, total
    yield lambda _steps: None
