"""What every test shares."""

from pathlib import Path

from hypothesis import settings

import ensemble

# the first call of a kernel compiles it, which no deadline can know
settings.register_profile("ens", deadline=None)
settings.load_profile("ens")

KERNELS = Path(ensemble.__file__).parent / "kernels"


def pytest_configure(config):
    """Drop machine code that is older than any kernel, before the first worker starts.

    numba compiles a kernel anew when its own file changes, but not when one that it calls does.
    """
    if hasattr(config, "workerinput"):
        return
    newest = max(path.stat().st_mtime for path in KERNELS.glob("*.py"))
    compiled = list((KERNELS / "__pycache__").glob("*.nb[ic]"))
    if compiled and min(path.stat().st_mtime for path in compiled) < newest:
        for path in compiled:
            path.unlink(missing_ok=True)
