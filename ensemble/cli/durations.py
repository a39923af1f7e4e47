"""Spans of time for people."""

from __future__ import annotations

_LONGEST_IN_SECONDS = 90


def format_duration(seconds: float) -> str:
    """Hours and minutes: "2 h 05 min", "3 min", "40 s"."""
    if seconds < _LONGEST_IN_SECONDS:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
