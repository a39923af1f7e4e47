"""Data sets: which images a folder holds, and which labels they have.

A labelled folder is recognised by what lies in it:

    contest         DCM/**.png      outputs_json/**.json
    mask folders    images/         masks/<class>/<stem>.png, no file: the class is absent
    index maps      images/         labels/<stem>.png
    RLE CSV         images/         labels.csv
    COCO            images/         annotations.json
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ensemble.bit_planes import Label
from ensemble.classes import ClassList, find_class_list
from ensemble.data.labels.coco import open_coco
from ensemble.data.labels.contest import open_contest
from ensemble.data.labels.index_maps import open_index_maps
from ensemble.data.labels.mask_folders import open_mask_folders
from ensemble.data.labels.rle_csv import open_rle_csv
from ensemble.data.labels.source import LabelSource
from ensemble.data.samples import Sample, find_samples
from ensemble.errors import DataError, few
from ensemble.files.file_tree import list_folder
from ensemble.images.reading import image_size, list_images

__all__ = ["ImageFolder", "LabelledFolder", "Sample", "open_folder", "open_images", "open_labelled"]

INDEX_MAPS = "index maps"
_CONTEST_IMAGES = "DCM"
_IMAGES = "images"


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """Images without labels; sample names are relative to `root`."""

    root: Path
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class LabelledFolder:
    """Images under `root`, each with a label; `layout` is one of the five names above."""

    root: Path
    layout: str
    samples: tuple[Sample, ...]
    source: LabelSource

    @property
    def folder(self) -> Path:
        """The data folder, in which images and labels lie."""
        return self.root.parent

    @property
    def classes(self) -> ClassList:
        """The class list that labels follow."""
        return self.source.classes

    @property
    def labels(self) -> Path:
        """The folder or the file of labels."""
        return self.folder / _LABELS[self.layout]

    def read_label(self, sample: Sample, size: tuple[int, int] | None = None) -> Label:
        """The label of a sample whose image is (H, W) = size; without it the image is read first.

        Raises LabelError, with the file, for a label that is unreadable or does not fit the image.
        """
        return self.source.read(sample.name, size or image_size(sample.image))

    def subset(self, indices: Iterable[int]) -> LabelledFolder:
        """The samples at these positions, in this order, with the same labels."""
        return replace(self, samples=tuple(self.samples[index] for index in indices))


OpenLabels = Callable[[Path, Sequence[Sample], ClassList | None], LabelSource]


@dataclass(frozen=True, slots=True)
class _Layout:
    """A way to store labels: where images and labels lie in a folder, and who reads them."""

    name: str
    images: str
    labels: str
    pattern: str
    open: OpenLabels


_LAYOUTS = (
    _Layout(
        "contest",
        _CONTEST_IMAGES,
        "outputs_json",
        "DCM/**.png + outputs_json/**.json",
        open_contest,
    ),
    _Layout(
        "mask folders", _IMAGES, "masks", "images/ + masks/<class>/<stem>.png", open_mask_folders
    ),
    _Layout(INDEX_MAPS, _IMAGES, "labels", "images/ + labels/<stem>.png", open_index_maps),
    _Layout("RLE CSV", _IMAGES, "labels.csv", "images/ + labels.csv", open_rle_csv),
    _Layout("COCO", _IMAGES, "annotations.json", "images/ + annotations.json", open_coco),
)


_LABELS = {layout.name: layout.labels for layout in _LAYOUTS}


def open_images(folder: Path, *, groups: str | None = None) -> ImageFolder:
    """The images of a folder: those of a labelled layout, else all that lie in it or below it.

    `groups` is that of `open_labelled`. Raises DataError for a folder without images.
    """
    root = _images_root(folder)
    return ImageFolder(root, find_samples(root, groups))


def open_labelled(
    folder: Path, *, classes: ClassList | None = None, groups: str | None = None
) -> LabelledFolder:
    """Open a labelled folder and check it: layout, pairs of images and labels, class names.

    `classes` takes precedence over `classes.yaml` in the folder or above it, and that over what the
    layout itself states. `groups`: a regular expression searched in `Sample.name`, whose first
    capture group (or whole match) names the group; None takes the folder that an image lies in, or
    its stem. Labels are read, and checked against their image, by `read_label`.

    Raises DataError for a folder that is no labelled one, ClassListError for unknown classes.
    """
    layout = _recognise(folder)
    root = folder / layout.images
    samples = find_samples(root, groups)
    source = layout.open(folder / layout.labels, samples, classes or find_class_list(folder))
    return LabelledFolder(root, layout.name, samples, source)


def open_folder(folder: Path, *, groups: str | None = None) -> LabelledFolder | ImageFolder:
    """A folder with its labels where it is a labelled one, else its images alone."""
    return (open_labelled if _layouts_in(folder) else open_images)(folder, groups=groups)


def labelled_folders(folder: Path) -> list[Path]:
    """The labelled folders that lie in a folder, by name; not those further below."""
    return [path for path in list_folder(folder) if path.is_dir() and _layouts_in(path)]


def _recognise(folder: Path) -> _Layout:
    layouts = _layouts_in(folder)
    if not layouts:
        raise DataError(
            "the folder holds no labels that are known",
            where=folder,
            expected=" or ".join(layout.pattern for layout in _LAYOUTS),
            got=few([path.name for path in list_folder(folder)]) or "an empty folder",
        )
    return _only(layouts, folder)


def _layouts_in(folder: Path) -> list[_Layout]:
    names = {path.name for path in list_folder(folder)}
    return [layout for layout in _LAYOUTS if {layout.images, layout.labels} <= names]


def _only(layouts: Sequence[_Layout], folder: Path) -> _Layout:
    if len(layouts) > 1:
        raise DataError(
            "the folder is labelled in more than one way",
            where=folder,
            got=" and ".join(layout.pattern for layout in layouts),
            remedy="move all but one elsewhere",
        )
    return layouts[0]


def _images_root(folder: Path) -> Path:
    layouts = _layouts_in(folder)
    if layouts:
        return folder / _only(layouts, folder).images
    for name in (_CONTEST_IMAGES, _IMAGES):
        root = folder / name
        if root.is_dir() and len(list_images(root)) == len(list_images(folder)):
            return root
    return folder
