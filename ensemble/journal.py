"""The journal of a run: what is done is on disk, and an interrupted run goes on from there.

A text file of lines "crc32 json". The first line is the fingerprint of the settings; then a line
an image. A line cut off by a crash fails its checksum, and it and all after it are dropped. Lines
reach the operating system one by one, which survives a killed process; a power cut may lose the
last few images, which are then predicted again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from ensemble.errors import OutputError
from ensemble.wording import counted

Record = dict[str, Any]


class _Place(NamedTuple):
    """Where the line of a record lies, in bytes."""

    offset: int
    length: int


class Journal:
    """Records of finished items by key, kept beside `target` under the fingerprint of the settings.

    Runs with other settings have other journals, so that none spoils another's work. Only the
    places of records are held in memory. A key that is appended again replaces its record.
    """

    def __init__(self, target: Path, settings: Record) -> None:
        fingerprint = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        self.path = target.with_name(f"{target.name}.{fingerprint[:12]}.journal")
        self._header: Record = {"fingerprint": fingerprint}
        self._places: dict[str, _Place] = {}
        self._end = 0
        self._stream: BinaryIO  # without a buffer, which would be written again when it is closed

    def __enter__(self) -> Journal:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._locked()
        except BlockingIOError as error:
            raise OutputError("another run is writing it", where=self.path) from error
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror}", where=self.path) from error
        try:
            self._resume()
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
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def read(self, key: str) -> Record:
        """The record of a finished item."""
        offset, length = self._places[key]
        record = _parse_line(os.pread(self._stream.fileno(), length, offset))
        if record is None or record["key"] != key:
            raise OutputError(f"the record of {key} is damaged", where=self.path)
        return record

    def append(self, key: str, record: Record) -> None:
        """Record an item as finished; raises OutputError, with what is safe, on a full disk."""
        try:
            self._places[key] = self._write({"key": key, **record})
        except OSError as error:
            safe = counted(len(self), "finished item is", "finished items are")
            raise OutputError(
                f"cannot be written: {error.strerror}",
                where=self.path,
                remedy=f"{safe} safe in it; make room and run again",
            ) from error

    def remove(self) -> None:
        """Delete the journal, once its content stands in the final file, while it is still ours."""
        self.path.unlink(missing_ok=True)

    def _locked(self) -> BinaryIO:
        """The file, ours alone; made if it is not there, but never cut before it is ours."""
        while True:
            stream = os.fdopen(
                os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0
            )
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(stream.fileno()), self.path.stat()):
                        return stream
            except OSError:
                stream.close()
                raise
            stream.close()  # a run that ended removed it between the two calls

    def _resume(self) -> None:
        """Take over the intact records of the same settings; cut off whatever follows them."""
        with open(self._stream.fileno(), "rb", closefd=False) as lines:
            header = lines.readline()
            if _parse_line(header) == self._header:
                self._end = len(header)
                self._take_over(lines)
        self._stream.truncate(self._end)
        if self._end == 0:
            self._write(self._header)

    def _take_over(self, lines: BinaryIO) -> None:
        for line in lines:
            record = _parse_line(line)
            if record is None:
                return
            self._places[str(record["key"])] = _Place(self._end, len(line))
            self._end += len(line)

    def _write(self, record: Record) -> _Place:
        """Append a line, whole or not at all."""
        text = json.dumps(record, ensure_ascii=False).encode()
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        place, written = _Place(self._end, len(line)), 0
        try:
            while written < len(line):
                at = place.offset + written
                written += os.pwrite(self._stream.fileno(), line[written:], at)
        except OSError:
            with suppress(OSError):  # what is left of it would fail its checksum
                self._stream.truncate(place.offset)
            raise
        self._end += len(line)
        return place


def _parse_line(line: bytes) -> Record | None:
    """The record of a line; None for a line that is not intact."""
    checksum, _, text = line[:-1].partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    record: Record = json.loads(text)
    return record
