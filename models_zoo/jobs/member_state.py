"""What is known of a member's training between runs: members/.train/<name>/."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ensemble.errors import MemberError, OutputError
from ensemble.files.checksum import file_sha256
from ensemble.files.whole_file import PART_SUFFIX, whole_file
from models_zoo.jobs.data_digest import DataDigest
from models_zoo.settings.member_spec import MemberSpec

STATE_FOLDER = ".train"
_JOB_FILE = "job.json"
_DATA, _CONTENT = "data", "content"
_LOCK_SUFFIX, _OLD_SUFFIX = ".lock", ".old"

Stage = Literal["new", "started", "finished"]


@dataclass(frozen=True, slots=True)
class MemberState:
    """The state folder of a member, and the job (settings and data) that it must belong to."""

    folder: Path
    job: dict[str, Any]
    data: DataDigest

    @classmethod
    def of(cls, members: Path, spec: MemberSpec, data: DataDigest) -> MemberState:
        """The state of a member in a folder of members."""
        settings = spec.model_dump(mode="json") | {"name": spec.full_name}
        if spec.weights_file is not None:
            settings["weights"] = _stamp(spec.weights_file)
        return cls(members / STATE_FOLDER / spec.full_name, {_DATA: data.stamps, **settings}, data)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs from this member; raises MemberError where one is at work on it."""
        path = self.folder.with_name(self.folder.name + _LOCK_SUFFIX)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = path.open("w")
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror}", where=path) from error
        with stream:  # closing it unlocks, and so does the end of a process that was killed
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise MemberError(
                    "another run is training it",
                    where=self.folder.name,
                    remedy="wait for that one, or name another folder with --members-dir",
                ) from error
            yield

    def stage(self) -> Stage:
        """How far an earlier run of the very same job came."""
        stored = self._read()
        if stored is None or self.changes():
            return "new"
        return "finished" if stored.get("finished") else "started"

    def changes(self) -> list[str]:
        """Names of settings, or "data", in which an earlier run differs; empty without one.

        A setting that did not exist yet was at its default, so a member need not be trained anew
        because there is one more.
        """
        stored = self._read()
        if stored is None:
            return []
        job = stored.get("job")
        if not isinstance(job, dict):
            return [f"{_JOB_FILE}, which is damaged"]
        job = _filled(job, MemberSpec(arch="").model_dump(mode="json"))
        others = sorted(key for key in {*job, *self.job} if job.get(key) != self.job.get(key))
        if _DATA in others and stored.get(_CONTENT) == self.data.content:
            others.remove(_DATA)  # touched, or copied
        return others

    def begin(self, *, anew: bool = False) -> None:
        """Make the folder ready: what belongs to another job, or is not wanted, is put aside.

        It takes the place of what was put aside before. Parts of files that a run which was killed
        left are removed.
        """
        old = self.folder.with_name(self.folder.name + _OLD_SUFFIX)
        try:
            if (anew or self.stage() == "new") and self.folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                self.folder.rename(old)
            for part in self.folder.glob(f"*{PART_SUFFIX}"):
                part.unlink()
        except OSError as error:
            raise self._not_removed(error) from error
        self._write(finished=False)

    def finish(self, *, remove: Sequence[str]) -> None:
        """Remember that the member is done, and remove files that only its training needed."""
        self._write(finished=True)
        try:
            for name in remove:
                (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._not_removed(error) from error

    def _read(self) -> dict[str, Any] | None:
        """What an earlier run stored, empty where it is damaged; None without one."""
        path = self.folder / _JOB_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutputError(f"cannot be read: {error.strerror}", where=path) from error
        except (ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, *, finished: bool) -> None:
        content = {"job": self.job, _CONTENT: self.data.content, "finished": finished}
        text = json.dumps(content, indent=1)
        with whole_file(self.folder / _JOB_FILE) as part:
            part.write_text(text, encoding="utf-8")

    def _not_removed(self, error: OSError) -> OutputError:
        return OutputError(f"old state cannot be removed: {error.strerror}", where=self.folder)


def _stamp(path: Path) -> str:
    """A file, or the files of a folder, by name and content, wherever they lie."""
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    digests = [f"{each.name} {file_sha256(each)}" for each in files]
    return f"{path.name}, sha256 {hashlib.sha256(' '.join(digests).encode()).hexdigest()}"


def _filled(settings: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Settings with defaults where they say nothing, in their sections too."""
    filled = defaults | settings
    for key, below in defaults.items():
        if isinstance(below, dict) and isinstance(filled[key], dict):
            filled[key] = below | filled[key]
    return filled
