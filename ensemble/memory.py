"""How much memory work takes, measured; sizes in bytes as people write them."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
# How torch says that the system has no memory; for devices it has an error class.
_NO_HOST_MEMORY = "can't allocate memory"
# Parameters of mallopt(3), as numbered in malloc.h of glibc; values are C ints.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MOST_KEPT = 2**30


@dataclass(slots=True)
class Usage:
    """Bytes at the start of some work, at its peak, and when it ended; 0 where it is not known."""

    before: int
    peak: int
    after: int


@contextmanager
def measured(device: torch.device) -> Iterator[Usage]:
    """Measure what the work inside takes: of the device's memory on CUDA, else of the process's.

    Zeros where the system does not tell (elsewhere than on Linux, or where it may not be asked).
    """
    usage = Usage(_used(device), 0, 0)
    is_reset = _reset_peak(device)
    yield usage
    usage.peak, usage.after = _peak(device) if is_reset else 0, _used(device)


def process_bytes() -> int:
    """Bytes of memory that the process holds now; 0 where the system does not tell."""
    return _status("VmRSS")


def give_back(device: torch.device) -> None:
    """Hand memory that was freed back to the device, or to the system where it is glibc's."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch raised it because a device, or the system, has not enough memory."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or _NO_HOST_MEMORY in str(error)


def keep_freed_memory() -> None:
    """Have glibc's malloc keep what this process frees for what it allocates next.

    Else tensors of tens of megabytes go back to the system and are asked for anew in every layer of
    a network, each page of them zeroed again: a tenth and more of all time on a CPU. `give_back`
    still gives it back. Other systems, and other allocators, stay as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None and mallopt(_M_MMAP_THRESHOLD, _MOST_KEPT):
        mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)


def _used(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == "cuda" else process_bytes()


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _status("VmHWM")


def _reset_peak(device: torch.device) -> bool:
    """Forget earlier peaks; False where the system does not let us."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    try:
        _CLEAR.write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def _status(field: str) -> int:
    """A size of the process in bytes, from the kernel's own account; 0 where there is none."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return 0
    sizes = (int(line.split()[1]) for line in lines if line.startswith(field))
    return next(sizes, 0) * 1024
