"""`masks/<class>/<stem>.png`: one folder a class, one mask an image.

Where an image has no file in the folder of a class, the class is absent from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.bit_planes import Label, add_mask, empty_planes
from ensemble.classes import ClassList
from ensemble.data.labels.pairing import composed, match_key, names_by_key, refuse_unpaired
from ensemble.data.labels.png_maps import read_mask
from ensemble.data.labels.source import finish_label, refuse_size, refuse_unknown
from ensemble.data.samples import Sample
from ensemble.errors import DataError, EnsError, LabelError, few
from ensemble.files.file_tree import find_files, find_folders
from ensemble.images.reading import IMAGE_SUFFIXES
from ensemble.wording import counted

_MASK_SUFFIX = ".png"


@dataclass(frozen=True, slots=True)
class MaskFolders:
    """Masks by sample name: (class index, file) for every class that has a file."""

    classes: ClassList
    masks: Mapping[str, Sequence[tuple[int, Path]]]

    def read(self, name: str, size: tuple[int, int]) -> Label:
        """The masks of a sample; raises LabelError with the mask's path."""
        planes = empty_planes(len(self.classes), size)
        for class_index, path in self.masks[name]:
            mask = read_mask(path)
            height, width = mask.shape
            try:
                refuse_size((height, width), size)
            except LabelError as error:
                raise error.at(path) from error
            add_mask(planes, class_index, mask)
        try:
            return finish_label(planes, self.classes)
        except LabelError as error:
            raise error.at(f"masks of {name}") from error


def open_mask_folders(
    root: Path, samples: Sequence[Sample], classes: ClassList | None
) -> MaskFolders:
    """Pair the masks in the folders of `root` with the samples.

    Without a class list the sorted folder names are the classes. An image without any mask is
    legal. Raises DataError for a mask without image, ClassListError for an unknown class folder.
    """
    folders = {composed(folder.name): folder for folder in find_folders(root)}
    try:
        _refuse_strays(root)
        classes = classes or ClassList(names=tuple(sorted(folders)))
        refuse_unknown(folders, classes)
    except EnsError as error:
        raise error.at(root) from error
    names = names_by_key(samples)
    masks: dict[str, list[tuple[int, Path]]] = {name: [] for name in names.values()}
    orphans = []
    for class_name, key, path in _find_masks(folders):
        if key in names:
            masks[names[key]].append((classes.index(class_name), path))
        else:
            orphans.append(path.relative_to(root).as_posix())
    refuse_unpaired(root, labels=orphans)
    return MaskFolders(classes, masks)


def _find_masks(folders: Mapping[str, Path]) -> Iterator[tuple[str, str, Path]]:
    """(class name, key of the image, file) of every mask."""
    for class_name, folder in folders.items():
        for path in find_files(folder, [_MASK_SUFFIX]):
            yield class_name, match_key(path.relative_to(folder).as_posix()), path


def _refuse_strays(root: Path) -> None:
    """Raise DataError for images that are no PNG, or lie outside of a class folder."""
    strays = [path for path in find_files(root, IMAGE_SUFFIXES) if _is_stray(path, root)]
    if strays:
        raise DataError(
            counted(len(strays), "file is no mask", "files are no masks") + " of a class",
            expected="masks/<class>/<name of the image>.png",
            got=few([path.relative_to(root).as_posix() for path in strays]),
            remedy="index maps, which hold all classes, belong into labels/",
        )


def _is_stray(path: Path, root: Path) -> bool:
    return path.suffix.lower() != _MASK_SUFFIX or path.parent == root
