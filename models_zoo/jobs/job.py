"""The members that a zoo file asks for, fold by fold, and how far earlier runs came with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.classes import ClassList
from ensemble.errors import ConfigError, MemberError, few
from ensemble.members.networks import build_network
from ensemble.members.roster import SUFFIX
from models_zoo.examples.example_cache import ExampleCache
from models_zoo.jobs.data_digest import DataDigest
from models_zoo.jobs.member_state import MemberState
from models_zoo.jobs.reporter import Reporter
from models_zoo.jobs.zoo_data import ZooData
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.settings.zoo_file import Zoo
from models_zoo.training.resume import STATE, check_resumable


@dataclass(frozen=True, slots=True)
class Job:
    """A member to train on the data of one round; `family` is its name without the fold.

    `groups`: the regular expression of the zoo file that says which images are of one person.
    `examples`: where those of all members are kept, None for nowhere.
    """

    spec: MemberSpec
    family: str
    groups: str | None
    data: ZooData
    state: MemberState
    path: Path
    examples: ExampleCache | None = None

    @property
    def name(self) -> str:
        """The member's name."""
        return self.spec.full_name

    @property
    def is_finished(self) -> bool:
        """Whether an earlier run made the member."""
        return self.state.stage() == "finished" and self.path.is_file()

    @property
    def has_state(self) -> bool:
        """Whether an earlier run left files to go on from, be they sound or not."""
        state = self.state
        return state.stage() != "new" and any((state.folder / name).exists() for name in STATE)

    def lack_of(self, num_devices: int) -> str:
        """Why so many devices do not suffice, or ""."""
        if self.spec.devices <= num_devices:
            return ""
        there = "there is 1" if num_devices == 1 else f"there are {num_devices}"
        return f"{self.name}: wants {self.spec.devices} devices, and {there}"

    def prepare(self, reporter: Reporter) -> None:
        """Make the state folder ready to begin or to go on, and tell which of the two it is.

        What cannot be gone on from is put aside.
        """
        fault = self._state_fault()
        if changes := self.state.changes():
            reporter.note(self.name, f"is trained anew, changed: {', '.join(changes)}")
        elif fault is not None:
            reporter.note(self.name, f"is trained anew, cannot go on: {fault}")
        elif self.has_state:
            reporter.note(self.name, "goes on where an earlier run stopped")
        self.state.begin(anew=fault is not None)

    def tell_failure(self, reporter: Reporter, reason: str) -> None:
        """Tell why the member was not trained; the reason may begin with its name."""
        reporter.note(self.name, f"failed: {reason.removeprefix(f'{self.name}: ')}")

    def _state_fault(self) -> MemberError | None:
        """Why a training cannot go on from what an earlier run left, or None."""
        if not self.has_state:
            return None
        spec, num_classes = self.spec, len(self.data.train.classes)
        network = build_network(spec.network, in_channels=spec.channels, num_classes=num_classes)
        try:
            check_resumable(self.state.folder, network, num_classes)
        except MemberError as error:
            return error
        return None


def plan_jobs(
    zoo: Zoo, rounds: Sequence[ZooData], folder: Path, only: Sequence[str] = ()
) -> list[Job]:
    """The jobs of all rounds (folds), one round after the other; `only` names members or folds.

    Raises ConfigError for a name that the zoo file does not give, and for weights of classes that
    the data do not have.
    """
    _check_class_weights(zoo, rounds[0].train.classes)
    jobs = [
        _job_of(zoo, family, data, folder, digest, fold=data.fold if len(rounds) > 1 else None)
        for data in rounds
        for digest in [DataDigest(data.folders, [data.train, data.val])]
        for family in zoo.members
    ]
    known = {name for job in jobs for name in (job.family, job.name)}
    if unknown := sorted(set(only) - known):
        raise ConfigError(
            f"{zoo.path.name} has no member {', '.join(unknown)}",
            expected=f"one of {', '.join(sorted(known))}",
        )
    return [job for job in jobs if not only or job.family in only or job.name in only]


def _check_class_weights(zoo: Zoo, classes: ClassList) -> None:
    """Raise ConfigError for members that weigh classes which the data do not have."""
    weighed = {name for spec in zoo.members for name in spec.class_weights}
    if unknown := sorted(weighed - set(classes.names)):
        raise ConfigError(
            "class_weights name classes that the data do not have",
            where=zoo.path,
            expected=f"of {few(classes.names, 40)}",
            got=few(unknown),
        )


def _job_of(
    zoo: Zoo,
    family: MemberSpec,
    data: ZooData,
    folder: Path,
    digest: DataDigest,
    *,
    fold: int | None,
) -> Job:
    """The job of a member of the zoo file, named after its fold where there are several."""
    spec = family if fold is None else family.of_fold(fold)
    path = folder / f"{spec.full_name}{SUFFIX}"
    state = MemberState.of(folder, spec, digest)
    return Job(spec, family.full_name, zoo.data.groups, data, state, path)
