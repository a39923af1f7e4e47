"""Which label belongs to which image: by file name, or by the name that a label file states."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ensemble.data.samples import Sample
from ensemble.errors import DataError, few
from ensemble.wording import counted


def composed(name: str) -> str:
    """A name with its accented letters in one piece, since some systems store them in two."""
    return unicodedata.normalize("NFC", name)


def match_key(name: str) -> str:
    """A relative path without its suffix, by which images and labels find each other."""
    return composed(PurePosixPath(name).with_suffix("").as_posix())


def names_by_key(samples: Iterable[Sample]) -> dict[str, str]:
    """Sample names by `match_key`; raises DataError for two images that would share a label."""
    names: dict[str, str] = {}
    shared = [
        f"{first} and {sample.name}"
        for sample in samples
        if (first := names.setdefault(match_key(sample.name), sample.name)) != sample.name
    ]
    if shared:
        raise DataError(
            counted(len(shared), "pair of images differs", "pairs of images differ")
            + " in their suffix only and would share a label",
            got=few(shared),
            remedy="remove or rename one of each",
        )
    return names


def files_by_key(root: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Label files of one suffix by `match_key` of their path relative to the labels' root."""
    return {match_key(path.relative_to(root).as_posix()): path for path in files}


def pair_files(root: Path, samples: Sequence[Sample], files: Mapping[str, Path]) -> dict[str, Path]:
    """The label file under `root` of every sample, by sample name; DataError if one has none."""
    names = names_by_key(samples)
    orphans = [path for key, path in files.items() if key not in names]
    refuse_unpaired(
        root,
        images=[name for key, name in names.items() if key not in files],
        labels=[path.relative_to(root).as_posix() for path in orphans],
    )
    return {name: files[key] for key, name in names.items()}


def pair_names(
    where: Path, samples: Sequence[Sample], listed: Iterable[str], *, what: str = "label"
) -> dict[str, str]:
    """The sample that each image name in a file means, by relative path or by base name.

    `what` the file holds for an image: a label, a prediction. Raises DataError for images that the
    file lacks, names of no image, base names that several images have, and images that are named
    in two ways.
    """
    paths = {composed(sample.name): sample.name for sample in samples}
    bases: dict[str, list[str]] = {}
    for path, name in paths.items():
        bases.setdefault(PurePosixPath(path).name, []).append(name)
    meant = {
        name: [paths[path]] if path in paths else bases.get(path, [])
        for name in listed
        for path in [composed(name)]
    }
    _refuse_ambiguous(where, meant)
    found = {names[0] for names in meant.values() if names}
    refuse_unpaired(
        where,
        images=[sample.name for sample in samples if sample.name not in found],
        labels=[name for name, names in meant.items() if not names],
        what=what,
    )
    return {name: names[0] for name, names in meant.items()}


def _refuse_ambiguous(where: Path, meant: Mapping[str, Sequence[str]]) -> None:
    if vague := [name for name, images in meant.items() if len(images) > 1]:
        raise DataError(
            counted(len(vague), "image name fits", "image names fit") + " several images",
            where=where,
            got=few(vague),
            remedy="write the path below the images' folder",
        )
    times = Counter(images[0] for images in meant.values() if images)
    if twice := [image for image, count in times.items() if count > 1]:
        raise DataError(
            counted(len(twice), "image is", "images are") + " listed under two names",
            where=where,
            got=few(twice),
        )


def refuse_unpaired(
    where: Path,
    *,
    images: Sequence[str] = (),
    labels: Sequence[str] = (),
    what: str = "label",
) -> None:
    """Raise one DataError that counts and shows images without label and labels without image.

    `what` is said in place of label.
    """
    parts = [
        f"{counted(len(names), kind)} without {partner} ({few(names)})"
        for names, kind, partner in ((images, "image", what), (labels, what, "image"))
        if names
    ]
    if parts:
        raise DataError(
            f"images and {what}s do not pair up",
            where=where,
            got=" and ".join(parts),
            remedy=f"a {what} has the name and the sub-folder of its image",
        )
