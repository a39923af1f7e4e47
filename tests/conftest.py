"""What every test shares."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

import ensemble

# the first call of a kernel compiles it, which no deadline can know
settings.register_profile("ens", deadline=None)
settings.load_profile("ens")

KERNELS = Path(ensemble.__file__).parent / "kernels"


def pytest_configure(config):
    """Drop machine code that is older than any kernel, before the first worker starts.

    numba compiles a kernel anew when its own file changes, but not when one that it calls does; nor
    does it note whether what it keeps checks bounds.
    """
    if "NUMBA_BOUNDSCHECK" in os.environ and "NUMBA_CACHE_DIR" not in os.environ:
        raise pytest.UsageError("NUMBA_BOUNDSCHECK wants a NUMBA_CACHE_DIR of its own")
    if hasattr(config, "workerinput"):
        return
    newest = max(path.stat().st_mtime for path in KERNELS.glob("*.py"))
    compiled = list((KERNELS / "__pycache__").glob("*.nb[ic]"))
    if compiled and min(path.stat().st_mtime for path in compiled) < newest:
        for path in compiled:
            path.unlink(missing_ok=True)
