"""How every kernel is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile on first call, keep the machine code on disk, run without the interpreter lock.

    numba notices that a kernel's own file changed, but not that of a kernel which it calls: after
    changing one, delete `kernels/__pycache__`, as the tests do.
    """
    return cast(Function, njit(cache=True, nogil=True)(function))
