"""Checkpoints of torch, read without running what is in them and without trusting what is."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from ensemble.errors import MemberError

# What torch.load raises for content that was changed or made up: it rebuilds tensors from what it
# finds, and looks at little of it before.
_MALFORMED = (
    *(RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, EOFError),
    zipfile.BadZipFile,
)

# Part of the names of records that hold the numbers of tensors.
_TENSORS = "/data/"


def read_checkpoint(
    path: Path,
    kind: str,
    *,
    remedy: str = "only what `ens train-zoo` wrote is read",
    mapped: bool = False,
) -> Any:
    """The content of a file that `torch.save` wrote, tensors on the CPU.

    With `mapped` numbers of tensors stay in the file, unread and unchecked, until they are used.
    Raises MemberError with the path for anything that is none, or that is damaged; `kind` is what
    the message calls the file.
    """
    try:
        if not zipfile.is_zipfile(path):  # as torch.save writes; also refuses what is cut off
            path.stat()
            raise MemberError(f"is no {kind}, or is cut off", where=path)
        _refuse_damage(path, with_tensors=not mapped)
        with warnings.catch_warnings():
            # malformed files bring up torch's advice to its own programmers
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except MemberError:
        raise
    except FileNotFoundError as error:
        raise MemberError(f"no such {kind}", where=path) from error
    except OSError as error:
        raise MemberError(f"cannot be read: {error.strerror or error}", where=path) from error
    except pickle.UnpicklingError as error:
        raise MemberError(
            "holds more than plain tensors and was not opened, since it could run code",
            where=path,
            remedy=remedy,
        ) from error
    except _MALFORMED as error:
        raise MemberError(f"is no {kind}, or is cut off", where=path) from error


def _refuse_damage(path: Path, *, with_tensors: bool) -> None:
    """Compare checksums, which torch stores but does not look at."""
    with zipfile.ZipFile(path) as archive:
        if not with_tensors:
            archive.filelist = [each for each in archive.filelist if _TENSORS not in each.filename]
        if (record := archive.testzip()) is not None:
            raise MemberError(f"is damaged: {record} fails its checksum", where=path)
