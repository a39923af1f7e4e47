"""Member files: a dict that `torch.load(weights_only=True)` reads; nothing in it runs on load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ensemble.errors import EnsError, MemberError, OutputError
from ensemble.files.checksum import file_sha256
from ensemble.files.whole_file import whole_file
from ensemble.members.checkpoint import read_checkpoint
from ensemble.members.manifest import Manifest, read_manifest

FORMAT = "ens-member"
VERSION = 1
_KIND = "member file"


@dataclass(frozen=True, slots=True)
class MemberFile:
    """The content of a member file: its manifest, its weights, and the sha256 of the file (hex)."""

    manifest: Manifest
    state_dict: dict[str, Tensor]
    sha256: str


def write_member(path: Path, manifest: Manifest, state_dict: Mapping[str, Tensor]) -> None:
    """Write a member file whole or not at all; weights are stored on the CPU."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "manifest": manifest.model_dump(mode="json"),
        "state_dict": {
            key: tensor.detach().cpu().contiguous() for key, tensor in state_dict.items()
        },
    }
    try:
        with whole_file(path) as part, part.open("wb") as stream:
            torch.save(content, stream)
    except RuntimeError as error:  # torch's own of where it stopped, over the system's of why
        cause = error.__context__
        reason = cause.strerror if isinstance(cause, OSError) else error
        raise OutputError(f"cannot be written: {reason}", where=path) from error


def read_member(path: Path) -> MemberFile:
    """Read a member file; raises MemberError with the path for anything that is not one."""
    content = read_checkpoint(path, _KIND)
    try:
        return MemberFile(_manifest(content), _state_dict(content), file_sha256(path))
    except EnsError as error:
        raise error.at(path) from error


def read_member_manifest(path: Path) -> Manifest:
    """The manifest of a member file, without reading its weights; raises as `read_member`."""
    content = read_checkpoint(path, _KIND, mapped=True)
    try:
        return _manifest(content)
    except EnsError as error:
        raise error.at(path) from error


def _manifest(content: Any) -> Manifest:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise MemberError(
            "is a checkpoint, but no member",
            expected=f"format: {FORMAT} beside the weights",
            remedy="move it elsewhere, or make it a member with ens adopt",
        )
    if content.get("version") != VERSION:
        raise MemberError(
            "was written in another version", expected=VERSION, got=content.get("version")
        )
    return read_manifest(content.get("manifest"))


def _state_dict(content: dict[str, Any]) -> dict[str, Tensor]:
    state_dict = content.get("state_dict")
    if not isinstance(state_dict, dict) or not all(
        isinstance(key, str) and isinstance(tensor, Tensor) for key, tensor in state_dict.items()
    ):
        raise MemberError("has no state_dict of tensors by name")
    return state_dict
