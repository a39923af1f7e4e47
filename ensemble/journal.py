"""The journal of a run: what is done is on disk, and an interrupted run goes on from there.

A text file of lines "crc32 json". The first line is the fingerprint of the settings; then a line
an image. A line cut off by a crash fails its checksum, and it and all after it are dropped. Lines
reach the operating system one by one, which survives a killed process; a power cut may lose the
last few images, which are then predicted again.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ensemble.errors import OutputError

Record = dict[str, Any]


class Journal:
    """Records of finished items by key, kept beside `target` under the fingerprint of the settings.

    Runs with other settings have other journals, so that none spoils another's work. Only the
    places of records are held in memory. A key that is appended again replaces its record.
    """

    def __init__(self, target: Path, settings: Record) -> None:
        fingerprint = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        self.path = target.with_name(f"{target.name}.{fingerprint[:12]}.journal")
        self._header: Record = {"fingerprint": fingerprint}
        self._offsets: dict[str, int] = {}
        self._stream: IO[bytes]

    def __enter__(self) -> Journal:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # made if it is not there, but never cut before it is ours
            self._stream = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror}", where=self.path) from error
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._resume()
        except BlockingIOError as error:
            self._stream.close()
            raise OutputError("another run is writing it", where=self.path) from error
        except OSError as error:
            self._stream.close()
            raise OutputError(f"cannot be written: {error.strerror}", where=self.path) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def __contains__(self, key: str) -> bool:
        return key in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def read(self, key: str) -> Record:
        """The record of a finished item."""
        self._stream.seek(self._offsets[key])
        record, _ = _parse_line(self._stream.readline())
        if record is None or record["key"] != key:
            raise OutputError(f"the record of {key} is damaged", where=self.path)
        return record

    def append(self, key: str, record: Record) -> None:
        """Record an item as finished; raises OutputError, with what is safe, on a full disk."""
        try:
            self._offsets[key] = self._write({"key": key, **record})
        except OSError as error:
            raise OutputError(
                f"cannot be written: {error.strerror}",
                where=self.path,
                remedy=f"{len(self)} finished items are safe in it; make room and run again",
            ) from error

    def remove(self) -> None:
        """Delete the journal, once its content stands in the final file."""
        self.path.unlink(missing_ok=True)

    def _resume(self) -> None:
        """Take over the intact records of the same settings; cut off whatever follows them."""
        header, end = _parse_line(self._stream.readline())
        if header != self._header:
            self._stream.truncate(0)
            self._write(self._header)
            return
        for line in self._stream:
            record, length = _parse_line(line)
            if record is None:
                break
            self._offsets[str(record["key"])] = end
            end += length
        self._stream.truncate(end)

    def _write(self, record: Record) -> int:
        text = json.dumps(record, ensure_ascii=False).encode()
        offset = self._stream.seek(0, io.SEEK_END)
        self._stream.write(b"%08x %s\n" % (zlib.crc32(text), text))
        self._stream.flush()
        return offset


def _parse_line(line: bytes) -> tuple[Record | None, int]:
    """The record of a line and the line's length in bytes; None for a line that is not intact."""
    checksum, _, text = line[:-1].partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None, 0
    return json.loads(text), len(line)
