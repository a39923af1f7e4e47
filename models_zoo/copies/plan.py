"""Which copies are made of which images, decided before any of them is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.data.samples import Sample
from ensemble.errors import ConfigError, DataError, few
from ensemble.wording import counted
from models_zoo.copies.pose import BENT_FROM_DEG

Kind = Literal["original", "changed", "turned", "mosaic"]

# Mosaics mix people, so that they belong to nobody.
_MOSAICS = "mosaics"


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """What is asked for.

    `changed` and `mosaics`: how many changed copies an image, how many mosaics in all. `straighten`
    turns what leans by `bent_from_deg` and more upright, `bend` turns the others as those lean.
    """

    changed: int = 0
    mosaics: int = 0
    straighten: bool = False
    bend: bool = False
    bent_from_deg: float = BENT_FROM_DEG
    originals: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.changed or self.mosaics or self.straighten or self.bend):
            raise ConfigError(
                "no copies are asked for",
                expected="--copies, --mosaic, --straighten or --bend",
            )


@dataclass(frozen=True, slots=True)
class PlannedCopy:
    """A file to make: `name` below images/, of `sources` (indices), turned by `angle_deg`."""

    name: str
    kind: Kind
    sources: tuple[int, ...]
    angle_deg: float = 0.0


def plan_copies(
    samples: Sequence[Sample], leans_deg: NDArray[np.float64], options: CopyOptions
) -> list[PlannedCopy]:
    """The copies of samples that lean so far (N,), NaN where that is not known.

    Raises DataError where nothing leans far enough to be straightened or to bend others like it,
    and for copies that would have the same name.
    """
    numbers = np.random.default_rng(options.seed)
    copies: list[PlannedCopy] = []
    for index, sample in enumerate(samples):
        if options.originals:
            copies.append(PlannedCopy(copy_name(sample, ""), "original", (index,)))
        copies += [
            PlannedCopy(copy_name(sample, f"-changed{number + 1}"), "changed", (index,))
            for number in range(options.changed)
        ]
    if options.straighten or options.bend:
        copies += _turned(samples, leans_deg, options, numbers)
    copies += [
        PlannedCopy(
            f"{_MOSAICS}/mosaic{number + 1}.png",
            "mosaic",
            tuple(numbers.integers(len(samples), size=4).tolist()),
        )
        for number in range(options.mosaics)
    ]
    _refuse_shared_names(copies)
    return copies


def copy_name(sample: Sample, suffix: str) -> str:
    """Where a copy lies, so that it is of the same group as its original.

    It keeps folder and stem, with a suffix behind. One that lies in no folder gets that of its
    stem, which is its group if nothing else is said.
    """
    path = PurePosixPath(sample.name)
    folder = path.parent if path.parent != PurePosixPath() else PurePosixPath(path.stem)
    return (folder / f"{path.stem}{suffix}.png").as_posix()


def _refuse_shared_names(copies: Sequence[PlannedCopy]) -> None:
    counts = Counter(copy.name for copy in copies)
    if shared := [name for name, count in counts.items() if count > 1]:
        raise DataError(
            counted(len(shared), "name would be that of several copies",
                    "names would each be that of several copies"),
            got=few(shared),
            remedy="copy the originals, not copies of them, or rename one of each",
        )  # fmt: skip


def _turned(
    samples: Sequence[Sample],
    leans_deg: NDArray[np.float64],
    options: CopyOptions,
    numbers: np.random.Generator,
) -> Iterator[PlannedCopy]:
    is_bent = np.abs(leans_deg) >= options.bent_from_deg
    if not is_bent.any():
        raise DataError(
            f"nothing leans by {options.bent_from_deg:g} degrees or more",
            got=f"at most {np.nanmax(np.abs(leans_deg), initial=0.0):.0f}",
            remedy="lower --bent-from, or leave --straighten and --bend out",
        )
    for index, sample in enumerate(samples):
        lean = float(leans_deg[index])
        if is_bent[index] and options.straighten:
            yield PlannedCopy(copy_name(sample, "-upright"), "turned", (index,), -lean)
        if not is_bent[index] and options.bend and np.isfinite(lean):
            angle = float(numbers.choice(leans_deg[is_bent]))
            yield PlannedCopy(copy_name(sample, "-bent"), "turned", (index,), angle - lean)
