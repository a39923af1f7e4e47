"""A picture sheet of what networks see in training: images, augmented, with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ensemble.bit_planes import unpack
from ensemble.classes import ClassList
from ensemble.data.datasets import LabelledFolder
from ensemble.members.roster import MEMBERS_FOLDER
from ensemble.progress import Progress, silent
from ensemble.report.picture_file import write_picture
from ensemble.report.pictures import Picture, overlay_masks, picture_sheet, to_rgb
from models_zoo.examples.loader import TrainingSet
from models_zoo.jobs.job import plan_jobs
from models_zoo.jobs.zoo_data import SPLIT_FILE, open_data
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.settings.zoo_file import read_zoo
from models_zoo.training.learner import training_set

# A row shows an image as it is, and so many changes of it and of others.
_CHANGES = 6
_IMAGES = 3
_HEIGHT_PX = 256
_CAPTION_LETTERS = 28


def preview_zoo(
    zoo_file: Path,
    out: Path,
    *,
    members_dir: Path | None = None,
    only: Sequence[str] = (),
    progress: Progress = silent,
) -> int:
    """Draw the sheet into `out`, a row for each member; answers with how many rows it has.

    Members that see the same share a row. Raises what `train_zoo` does before it trains, and
    OutputError for a file that cannot be written.
    """
    zoo = read_zoo(zoo_file)
    folder = members_dir or zoo.folder / MEMBERS_FOLDER
    rounds = open_data(zoo, folder / SPLIT_FILE, progress)
    jobs = [job for job in plan_jobs(zoo, rounds, folder, only) if job.data is rounds[0]]
    alike: dict[str, list[MemberSpec]] = {}
    for job in jobs:
        alike.setdefault(_what_is_seen(job.spec), []).append(job.spec)
    few = rounds[0].train.subset(range(min(_IMAGES, len(rounds[0].train.samples))))
    rows = []
    with progress("drawing", len(alike)) as advance:
        for specs in alike.values():
            rows.append(_row(specs, few))
            advance(1)
    write_picture(out, picture_sheet(rows, height=_HEIGHT_PX))
    return len(rows)


def _what_is_seen(spec: MemberSpec) -> str:
    crops = None if spec.window is None else spec.window.crops
    return f"{spec.input.model_dump_json()} {spec.augment.model_dump_json()} {spec.seed} {crops}"


def _row(specs: Sequence[MemberSpec], few: LabelledFolder) -> list[tuple[str, Picture]]:
    """The first image unchanged, then changes of a few, as the first epochs have them."""
    spec = specs[0]
    off = spec.model_copy(update={"augment": type(spec.augment).model_validate("none")})
    names = spec.full_name + (f" and {len(specs) - 1} more" if len(specs) > 1 else "")
    classes = few.classes
    plain, changed = (training_set(few, each, silent) for each in (off, spec))
    pictures = [_drawn(plain, 0, classes)]
    pictures += [
        _drawn(changed, index % len(changed), classes, epoch=index // len(changed))
        for index in range(_CHANGES)
    ]
    captions = [_shortened(names), *(f"{index + 1}" for index in range(_CHANGES))]
    return list(zip(captions, pictures, strict=True))


def _shortened(name: str) -> str:
    """As much as stands above a square picture."""
    return name if len(name) <= _CAPTION_LETTERS else name[: _CAPTION_LETTERS - 2] + ".."


def _drawn(dataset: TrainingSet, index: int, classes: ClassList, *, epoch: int = 0) -> Picture:
    """An example under its masks, but for the background of exclusive classes."""
    example = dataset.example((epoch, index))
    masks = unpack(example.planes, len(classes))
    if classes.background is not None:
        masks[classes.background] = False
    image = example.image[:, :, 0] if example.image.shape[2] == 1 else example.image
    return overlay_masks(to_rgb(image), masks, opacity=0.25)
