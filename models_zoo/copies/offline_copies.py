"""The flow of `ens augment`: a labelled folder in, a folder of changed copies out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ensemble.data.datasets import INDEX_MAPS, LabelledFolder
from ensemble.errors import ConfigError
from ensemble.files.output_place import refuse_full
from ensemble.images.reading import read_image
from ensemble.members.preprocess import to_eight_bit
from ensemble.progress import Progress, silent
from ensemble.streaming import ordered_map
from models_zoo.copies.copied_folder import CopiedFolder
from models_zoo.copies.plan import CopyOptions, PlannedCopy, plan_copies
from models_zoo.copies.pose import folder_leans_deg
from models_zoo.examples.augment import Augment, Example, turn_by
from models_zoo.examples.mixing import mosaic
from models_zoo.settings.augment_spec import AugmentSpec

_THREADS = 2


@dataclass(frozen=True, slots=True)
class CopySummary:
    """What was made: copies in all, and by their kind."""

    folder: Path
    copies: int
    kinds: dict[str, int]


def make_copies(
    data: LabelledFolder,
    out: Path,
    options: CopyOptions,
    augment: AugmentSpec | None = None,
    *,
    progress: Progress = silent,
) -> CopySummary:
    """Write changed copies of a labelled folder into a new one; the source stays as it is.

    Images of more than 8 bits become 8 bits, as networks see them by default. Mosaic and RICAP of
    `augment` are left out: they mix people. Raises OutputError for a folder that holds anything,
    ConfigError for one within the source, DataError where nothing leans or copies share a name.
    """
    refuse_full(out)
    if out.resolve().is_relative_to(data.root.parent.resolve()):
        raise ConfigError("copies would lie within their source", where=out)
    leans = np.full(len(data.samples), np.nan)
    if options.straighten or options.bend:
        leans = folder_leans_deg(data, progress)
    copies = plan_copies(data.samples, leans, options)
    spec = (augment or AugmentSpec()).model_copy(update={"mosaic": 0.0, "ricap": 0.0})
    change = Augment(spec, data.classes)

    def make(copy: PlannedCopy) -> tuple[str, Example]:
        examples = [_whole_example(data, index) for index in copy.sources]
        if copy.kind == "mosaic":
            return copy.name, _mosaic(examples)
        if copy.kind == "turned":
            return copy.name, turn_by(examples[0], copy.angle_deg)
        return copy.name, examples[0]

    ignores = data.layout == INDEX_MAPS and data.classes.ignore is not None
    target = CopiedFolder(out, data.classes, as_maps=data.classes.exclusive or ignores)
    with target as folder, progress("copying", len(copies)) as advance:
        made = ordered_map(make, copies, threads=_THREADS, ahead=2 * _THREADS)
        for number, (copy, (name, example)) in enumerate(zip(copies, made, strict=True)):
            is_changed = copy.kind == "changed"  # here, since the changer is not for threads
            folder.add(name, change(example, options.seed, number) if is_changed else example)
            advance(1)
    return CopySummary(out, len(copies), dict(Counter(copy.kind for copy in copies)))


def _whole_example(data: LabelledFolder, index: int) -> Example:
    """An image at its own size, in three channels or in one, with its label."""
    sample = data.samples[index]
    image = to_eight_bit(read_image(sample.image), "auto")
    label = data.read_label(sample, (image.shape[0], image.shape[1]))
    ignored = np.zeros(label.size, np.bool_) if label.ignored is None else label.ignored
    return Example(image.reshape(*label.size, -1), label.planes, ignored)


def _mosaic(examples: list[Example]) -> Example:
    """Four at half the size of the first, with as many channels as the richest."""
    channels = max(example.image.shape[2] for example in examples)
    same = [
        Example(np.repeat(e.image, channels // e.image.shape[2], axis=2), e.planes, e.ignored)
        for e in examples
    ]
    return mosaic(same)
