"""Networks that torch compiles, which it does as they are first called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from ensemble.errors import MemberError

_BACKEND = "inductor"


def compile_network(network: nn.Module) -> None:
    """Have a network be compiled; its weights keep their names."""
    network.compile(backend=_BACKEND)


@contextmanager
def compilation_stated(where: object = None) -> Iterator[None]:
    """Around calls of a compiled network: MemberError where torch cannot compile it.

    On a CPU that needs a C++ compiler, on a GPU Triton.
    """
    try:
        yield
    except Exception as error:  # all but one are raised again; which, only torch's compiler says
        from torch._dynamo.exc import TorchDynamoException  # seconds, so only where it is needed

        if not isinstance(error, TorchDynamoException):
            raise
        cause = getattr(error, "inner_exception", error)
        said = str(cause).strip() or type(cause).__name__
        raise MemberError(
            f"torch cannot compile the network: {said.splitlines()[0]}",
            where=where,
            remedy="leave compile out; on a CPU it needs a C++ compiler, on a GPU Triton",
        ) from error
