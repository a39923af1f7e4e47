"""Who is told what happens to jobs."""

from __future__ import annotations

from typing import Protocol

from models_zoo.training.epoch_result import EpochResult


class Reporter(Protocol):
    """Hears what happens while it happens."""

    def note(self, member: str, text: str) -> None:
        """A fact about a member as a whole, or about the split."""
        ...

    def epoch(self, result: EpochResult) -> None:
        """An epoch that has ended."""
        ...


class Silence:
    """A reporter that says nothing."""

    def note(self, member: str, text: str) -> None:
        """Nothing."""

    def epoch(self, result: EpochResult) -> None:
        """Nothing."""
