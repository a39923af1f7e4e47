"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ensemble.errors import EnsError, OutputError

# Of files that are not whole yet; a process that is killed leaves them.
PART_SUFFIX = ".part"
# Beside it in their names: not the process id, which containers share.
_TOKEN_BYTES = 4
# Of the name of a file that `whole_file` writes: file systems take 255 bytes, with all of that.
LONGEST_NAME_BYTES = 255 - len(PART_SUFFIX) - 2 * _TOKEN_BYTES - 1


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A path to write to that becomes `path` when the block ends well, and else disappears.

    Folders above it are made. A reader sees the old file or the new one, never half of one; with
    `durable` after a power cut too, which waits for the disk: milliseconds a file. Raises
    OutputError, with `path`, for anything that the operating system refuses.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(_TOKEN_BYTES)}{PART_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if durable:
            _wait_for_disk(part)
        part.replace(path)
        if durable:
            with suppress(OSError):  # some network disks know no folders; the content is safe
                _wait_for_disk(path.parent)
    except EnsError:
        raise
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}", where=path) from error
    finally:
        with suppress(OSError):  # where the part cannot even be looked for, there is none
            part.unlink(missing_ok=True)


def _wait_for_disk(path: Path) -> None:
    """Return when what was written to a file, or renamed in a folder, would outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
