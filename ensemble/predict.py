"""Predict: images in, masks out, one image at a time.

    decode (threads) -> per member: prepare, views, forward, inverse -> add on the member's grid
    -> threshold + encode (threads) -> journal -> predictions.csv

Memory does not depend on the number of images, members or views.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ensemble.data.datasets import ImageFolder, Sample
from ensemble.errors import ConfigError, DataError, ImageError
from ensemble.fusion.ensembles import Ensemble, PreparedImage
from ensemble.fusion.mask_stream import ENCODERS, ImageMasks, side_map, stream_masks
from ensemble.images.reading import read_image
from ensemble.journal import Journal
from ensemble.outputs.rle_csv import Row, write_predictions
from ensemble.outputs.uncertainty import Doubtfulness, UncertaintyPictures
from ensemble.prediction_plan import DECODERS, PredictionPlan, plan_prediction
from ensemble.progress import Progress, silent
from ensemble.runs.rle import RleFormat
from ensemble.wording import counted


@dataclass(frozen=True, slots=True)
class PredictionFormat:
    """How masks are written, and whether images go by their relative path or their base name.

    `uncertainty`: a folder for pictures of that of each pixel, of an ensemble that gives it.
    """

    rle: RleFormat = RleFormat()
    full_paths: bool = False
    uncertainty: Path | None = None


@dataclass(frozen=True, slots=True)
class PredictionSummary:
    """What a run did: images in the file, and how many of them an earlier run had done."""

    path: Path
    num_images: int
    num_resumed: int


def predict(
    ensemble: Ensemble,
    images: ImageFolder,
    out: Path,
    *,
    output: PredictionFormat | None = None,
    plan: PredictionPlan | None = None,
    progress: Progress = silent,
) -> PredictionSummary:
    """Predict every image of a folder into a predictions file; an interrupted run is continued.

    Images that cannot be read are named together in one ImageError at the end, when all others are
    safe in the journal; the file itself is written only when it is complete.
    Without a `plan` one is made.
    """
    output = output or PredictionFormat()
    names = _image_names(images.samples, full_paths=output.full_paths)
    pictures = _pictures(ensemble, images, output.uncertainty)
    stamps = {sample.name: _stamp(sample.image) for sample in images.samples}
    plan = plan or plan_prediction(ensemble, images)
    settings = ensemble.settings() | {"order": output.rle.order, "base": output.rle.base}
    with Journal(out, settings) as journal:
        todo = [
            sample
            for sample in images.samples
            if not _is_done(journal, sample.name, stamps[sample.name], pictures)
        ]
        num_resumed = len(images.samples) - len(todo)
        failures: list[ImageError] = []
        readable = _readable(ensemble, todo, plan, failures)
        task = f"predicting ({num_resumed} done before)" if num_resumed else "predicting"
        with progress(task, len(todo)) as advance:
            for name, record in _records(ensemble, readable, plan, output, pictures):
                journal.append(name, record | {"stamp": stamps[name]})
                advance(1)
        _raise_together(failures, journal)
        write_predictions(out, _rows(journal, names, ensemble.weights.class_names))
        if pictures is not None:
            pictures.write_table(_doubtfulness(journal, names))
        journal.remove()
    return PredictionSummary(out, len(images.samples), num_resumed)


def _records(
    ensemble: Ensemble,
    images: Iterator[tuple[str, PreparedImage]],
    plan: PredictionPlan,
    output: PredictionFormat,
    pictures: UncertaintyPictures | None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and journal record of each image, whose picture is written before."""

    def write(image: ImageMasks[str]) -> tuple[str, dict[str, Any]]:
        record: dict[str, Any] = {"rle": [output.rle.format(m, image.size) for m in image.runs]}
        if pictures is not None and image.uncertainty is not None:
            record["uncertainty"] = asdict(pictures.write(image.key, image.uncertainty))
            record["picture"] = pictures.stamp(image.key)
        return image.key, record

    held = plan.held
    masks = stream_masks(ensemble, images, round_size=held.round_size, ahead=held.encoded)
    return side_map(ensemble)(write, masks, threads=ENCODERS, ahead=ENCODERS)


def _pictures(
    ensemble: Ensemble, images: ImageFolder, folder: Path | None
) -> UncertaintyPictures | None:
    if folder is None:
        return None
    if ensemble.uncertainty is None:
        raise ConfigError("the ensemble gives no uncertainty", remedy="load it with uncertainty=")
    return UncertaintyPictures(folder, images.root, images.samples)


def _readable(
    ensemble: Ensemble, samples: Sequence[Sample], plan: PredictionPlan, failures: list[ImageError]
) -> Iterator[tuple[str, PreparedImage]]:
    """Name and pixels of each image, decoded ahead of the networks; errors go to `failures`."""

    def prepare(sample: Sample) -> tuple[str, PreparedImage | ImageError]:
        try:
            return sample.name, ensemble.prepare(read_image(sample.image))
        except ImageError as error:
            return sample.name, error

    decoded = side_map(ensemble)(prepare, samples, threads=DECODERS, ahead=plan.held.decoded)
    for name, image in decoded:
        if isinstance(image, ImageError):
            failures.append(image)
        else:
            yield name, image


def _stamp(path: Path) -> list[int]:
    """Size in bytes and time of change, by which a replaced image is told from the one done.

    Empty for a file that is not there, which is said of it when its turn to be read comes.
    """
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _is_done(
    journal: Journal, name: str, stamp: list[int], pictures: UncertaintyPictures | None
) -> bool:
    """Whether the same image was done before, and its picture is still the one written then."""
    if name not in journal:
        return False
    record = journal.read(name)
    is_same = pictures is None or record.get("picture") == pictures.stamp(name)
    return record["stamp"] == stamp and is_same


def _image_names(samples: Sequence[Sample], *, full_paths: bool) -> dict[str, str]:
    """The name of each sample in the file; raises DataError if two images would share one."""
    names = {s.name: s.name if full_paths else s.image.name for s in samples}
    if len(set(names.values())) < len(names):
        first: dict[str, str] = {}
        pair = next((a, first[n]) for a, n in names.items() if first.setdefault(n, a) != a)
        raise DataError(
            "two images have the same base name",
            got=" and ".join(sorted(pair)),
            remedy="use --image-names path",
        )
    return names


def _raise_together(failures: Sequence[ImageError], journal: Journal) -> None:
    if failures:
        listed = "; ".join(str(error) for error in failures[:5])
        more = f" and {len(failures) - 5} more" if len(failures) > 5 else ""
        raise ImageError(
            f"{counted(len(failures), 'image')} cannot be used: {listed}{more}",
            remedy=f"what is done is kept ({counted(len(journal), 'image')}); mend or remove the "
            "broken and run again",
        )


def _doubtfulness(journal: Journal, names: dict[str, str]) -> Iterator[tuple[str, Doubtfulness]]:
    for key, image_name in names.items():
        yield image_name, Doubtfulness(**journal.read(key)["uncertainty"])


def _rows(journal: Journal, names: dict[str, str], class_names: Sequence[str]) -> Iterator[Row]:
    for key, image_name in names.items():
        for class_name, rle in zip(class_names, journal.read(key)["rle"], strict=True):
            yield image_name, class_name, rle
