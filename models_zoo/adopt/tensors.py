"""The tensors of a file that another program wrote: torch's checkpoints and safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ensemble.errors import MemberError, few
from ensemble.members.checkpoint import read_checkpoint

SAFETENSORS = ".safetensors"
SAY_PART = "say --part NAME"
_REMEDY = (
    "open it where it was written, and save its state_dict alone: torch.save(m.state_dict(), F)"
)

Tensors = dict[str, Tensor]


def read_tensors(path: Path, part: str | None = None, *, choose: str = SAY_PART) -> Tensors:
    """The tensors of a file by name, of its entry `part` where it holds several sets of them.

    `choose` is the remedy for one of several sets without `part`. Nothing in the file runs. Raises
    MemberError, with the path, for a file that holds none, that is damaged, or that would have to
    run code, and for one of several sets without `part`.
    """
    try:
        if path.suffix == SAFETENSORS:
            return _read_safetensors(path)
        return _find_tensors(read_checkpoint(path, "checkpoint", remedy=_REMEDY), part, choose)
    except MemberError as error:
        raise error if error.where is not None else error.at(path) from error


def read_config(path: Path) -> dict[str, Any]:
    """A config.json; raises MemberError for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise MemberError(f"cannot be read: {error}", where=path) from error
    if not isinstance(content, dict):
        raise MemberError("is no mapping", where=path)
    return content


def to_float32(tensors: Tensors) -> tuple[Tensors, str]:
    """Tensors of any other precision as float32, and which kinds there were, or ""."""
    others = {str(t.dtype).removeprefix("torch.") for t in tensors.values() if _is_other(t)}
    full = {key: t.float() if _is_other(t) else t for key, t in tensors.items()}
    return full, " and ".join(sorted(others))


def _is_other(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.dtype != torch.float32


def _read_safetensors(path: Path) -> Tensors:
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise MemberError(f"is no file of safetensors: {error}", where=path) from error


def _find_tensors(content: Any, part: str | None, choose: str) -> Tensors:
    """The one mapping of names to tensors: the content itself, or an entry of it."""
    if part is None and _is_state_dict(content):
        return dict(content)
    entries = content if isinstance(content, Mapping) else {}
    found = [str(key) for key, value in entries.items() if _is_state_dict(value)]
    if part is not None and part not in found:
        raise MemberError(f"has no weights in {part!r}", expected=f"one of {few(found)}")
    if not found:
        raise MemberError("holds no weights", got=few([str(key) for key in entries]) or None)
    if part is None and len(found) > 1:
        raise MemberError("holds several sets of weights", got=few(found), remedy=choose)
    return dict(entries[part or found[0]])


def _is_state_dict(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(isinstance(key, str) for key in value)
        and all(isinstance(tensor, Tensor) for tensor in value.values())
    )
