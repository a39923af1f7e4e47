"""How much memory may still be taken."""

from __future__ import annotations

import os
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_KIB = 1024


def free_memory_bytes(meminfo: Path = _MEMINFO, cgroup: Path = _CGROUP) -> int:
    """Memory that can be taken without swapping, within the limit of a container if there is one.

    What a container keeps of files gives way. Where the system does not tell (it is not Linux),
    half of what is built in.
    """
    free = _available(meminfo)
    limit, used = (_number(cgroup / f"memory.{name}") for name in ("max", "current"))
    if limit is None or used is None:
        return free
    return max(min(free, limit - used + _file_bytes(cgroup / "memory.stat")), 0)


def _available(meminfo: Path) -> int:
    if meminfo.exists():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            key, _, value = line.partition(":")
            if key == "MemAvailable":
                return int(value.split()[0]) * _KIB
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _file_bytes(stat: Path) -> int:
    """Pages of files that a container can drop; 0 where it does not tell."""
    lines = stat.read_text(encoding="ascii").splitlines() if stat.exists() else []
    pairs = (line.split() for line in lines)
    return sum(int(value) for key, value in pairs if key in ("active_file", "inactive_file"))


def _number(path: Path) -> int | None:
    """The number in a file; None without the file, or where it says "max" for no limit."""
    text = path.read_text(encoding="ascii").strip() if path.exists() else ""
    return int(text) if text.isdecimal() else None
