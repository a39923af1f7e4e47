"""What is known of a member's training between runs: members/.train/<name>/."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ensemble.classes import class_list_to_dict
from ensemble.data.datasets import LabelledFolder
from ensemble.errors import OutputError
from ensemble.files.checksum import file_sha256
from ensemble.files.file_tree import find_files
from ensemble.files.whole_file import whole_file
from ensemble.images.reading import IMAGE_SUFFIXES
from models_zoo.settings.member_spec import MemberSpec

STATE_FOLDER = ".train"
_JOB_FILE = "job.json"
_DATA = "data"
# Images, and labels of every layout.
_DATA_SUFFIXES = (*IMAGE_SUFFIXES, ".csv", ".json", ".yaml")

Stage = Literal["new", "started", "finished"]


@dataclass(frozen=True, slots=True)
class MemberState:
    """The state folder of a member, and the job (settings and data) that it must belong to."""

    folder: Path
    job: dict[str, Any]

    @classmethod
    def of(cls, members: Path, spec: MemberSpec, data_digest: str) -> MemberState:
        """The state of a member in a folder of members."""
        settings = spec.model_dump(mode="json") | {"name": spec.full_name}
        if spec.weights_file is not None:
            settings["weights"] = _stamp(spec.weights_file)
        return cls(members / STATE_FOLDER / spec.full_name, {_DATA: data_digest, **settings})

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
        return sorted(key for key in {*job, *self.job} if job.get(key) != self.job.get(key))

    def begin(self, *, anew: bool = False) -> None:
        """Make the folder ready: what belongs to another job, or is not wanted, is removed."""
        try:
            if (anew or self.stage() == "new") and self.folder.exists():
                shutil.rmtree(self.folder)
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
        text = json.dumps({"job": self.job, "finished": finished}, indent=1)
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


def digest_data(folders: Sequence[Path], parts: Sequence[LabelledFolder]) -> str:
    """sha256 (hex) over classes, sample names, and path, size and time of every file of the data.

    Content is not read: a file that was changed has another time of change. Links are followed, as
    in reading the data.
    """
    digest = hashlib.sha256()
    for part in parts:
        facts = [class_list_to_dict(part.classes), [s.name for s in part.samples]]
        digest.update(json.dumps(facts).encode())
    for folder in folders:
        for path in find_files(folder, _DATA_SUFFIXES):
            # a link to nothing is told where it is read; here it counts as itself
            stat = path.stat() if path.exists() else path.lstat()
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
