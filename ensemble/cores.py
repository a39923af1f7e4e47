"""How many cores there are to work on."""

from __future__ import annotations

import os


def num_cores() -> int:
    """Cores that this process may use: those that it is not bound away from."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
