"""One pass over a data set: every image and label is read once, and what they say is counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ensemble.data.datasets import ImageFolder, LabelledFolder, Sample
from ensemble.data.labels.polygons import PolygonSource
from ensemble.errors import DataError
from ensemble.explore.label_survey import LabelCounts, LabelSum, LabelSurvey, count_label
from ensemble.explore.looks import Look, Looks, grey_levels, look_at
from ensemble.explore.polygon_faults import PolygonFault, find_polygon_faults
from ensemble.images.reading import read_image, reading
from ensemble.progress import Progress, silent
from ensemble.streaming import ordered_map

_THREADS = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """A sample that cannot be read, and why."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What the N samples of a folder that could be read say; `labels` is None without labels."""

    folder: Path
    data: LabelledFolder | ImageFolder
    samples: tuple[Sample, ...]
    looks: Looks
    labels: LabelSurvey | None
    faults: tuple[Fault, ...]


def survey(
    folder: Path,
    data: LabelledFolder | ImageFolder,
    *,
    progress: Progress = silent,
    threads: int = _THREADS,
) -> Survey:
    """Read all images and labels of a folder once; memory does not grow with their pixels.

    Samples that cannot be read are listed in `faults`. Raises DataError if none can.
    """
    taken: list[Sample] = []
    looks: list[Look] = []
    faults: list[Fault] = []
    labels = LabelSum(data.classes) if isinstance(data, LabelledFolder) else None
    seen = ordered_map(
        lambda sample: _read(data, sample), data.samples, threads=threads, ahead=2 * threads
    )
    with progress(f"reading {folder}", len(data.samples)) as advance:
        for sample, found in zip(data.samples, seen, strict=True):
            if isinstance(found, Fault):
                faults.append(found)
            else:
                look, counts = found
                taken.append(sample)
                looks.append(look)
                if labels is not None and counts is not None:
                    labels.add(counts)
            advance(1)
    if not taken:
        raise DataError("no image can be read with its label", where=folder, got=faults[0].message)
    return Survey(
        folder,
        data,
        tuple(taken),
        Looks.stack(looks),
        None if labels is None else labels.result(),
        tuple(faults),
    )


def _read(
    data: LabelledFolder | ImageFolder, sample: Sample
) -> tuple[Look, LabelCounts | None] | Fault:
    try:
        image = read_image(sample.image)
        with reading(sample.image):
            num_bytes = sample.image.stat().st_size
        levels = grey_levels(image)
        look = look_at(image, levels, num_bytes)
        if isinstance(data, ImageFolder):
            return look, None
        size = (levels.shape[0], levels.shape[1])
        label = data.read_label(sample, size)
        return look, count_label(
            label, levels, len(data.classes), _polygon_faults(data, sample, size)
        )
    except DataError as error:
        return Fault(sample.name, str(error))


def _polygon_faults(
    data: LabelledFolder, sample: Sample, size: tuple[int, int]
) -> tuple[PolygonFault, ...]:
    if not isinstance(data.source, PolygonSource):
        return ()
    polygons = data.source.polygons(sample.name)
    return tuple(find_polygon_faults(polygons, size, names_pixels=data.source.names_pixels))
