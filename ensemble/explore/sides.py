"""Left and right: classes that swap in a mirror image, and the two images of one person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.classes import ClassList
from ensemble.explore.outliers import modified_z
from ensemble.explore.shapes import Shapes

Floats = NDArray[np.float64]

# Of the log of an area ratio: what is less is a matter of pixels.
_LEAST_SPREAD = 0.02


@dataclass(frozen=True, slots=True)
class MirrorPair:
    """Two classes over the N images: what lies where, and how much larger which is.

    `log_ratio` (N,): log of the area of the first over that of the second; NaN unless both are
    there. `is_swapped` (N,): the first lies on the side on which the second lies in most images.
    """

    first: int
    second: int
    log_ratio: Floats
    is_swapped: NDArray[np.bool_]

    @property
    def is_in_both(self) -> NDArray[np.bool_]:
        """(N,): images that hold both classes."""
        return np.isfinite(self.log_ratio)


@dataclass(frozen=True, slots=True)
class ImagePair:
    """The two images of a group.

    `straight`, `mirrored`: how alike their thumbnails are (correlation), as they are and with one
    mirrored. `area_ratio`: the median over common classes of the larger area over the smaller,
    NaN where no class is common; `z`: the modified z-score of its logarithm among all pairs.
    """

    group: str
    first: int
    second: int
    straight: float
    mirrored: float
    area_ratio: float
    z: float

    @property
    def is_mirror_image(self) -> bool:
        """Whether one resembles the other's mirror image more than the other."""
        return self.mirrored > self.straight


def mirror_pairs(classes: ClassList, shapes: Shapes) -> list[MirrorPair]:
    """The pairs of `mirror_pairs` in the class list, in its order."""
    return [
        _mirror_pair(classes.index(first), classes.index(second), shapes)
        for first, second in classes.mirror_pairs
    ]


def _mirror_pair(first: int, second: int, shapes: Shapes) -> MirrorPair:
    both = shapes.is_present[:, first] & shapes.is_present[:, second]
    areas = np.where(both[:, None], shapes.area_share[:, [first, second]], np.nan)
    apart = np.where(both, shapes.centre_x[:, first] - shapes.centre_x[:, second], 0.0)
    usual = np.sign(np.sign(apart).sum())
    return MirrorPair(first, second, np.log(areas[:, 0] / areas[:, 1]), apart * usual < 0)


def image_pairs(
    groups: Sequence[str], thumbnails: NDArray[np.uint16], shapes: Shapes | None
) -> list[ImagePair]:
    """The groups of exactly two images, those first whose areas differ most."""
    of_group: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        of_group[group].append(index)
    pairs = [(group, found[0], found[1]) for group, found in of_group.items() if len(found) == 2]
    if not pairs:
        return []
    logs = np.array([_area_log_ratio(shapes, first, second) for _, first, second in pairs])
    scores = modified_z(logs, least=_LEAST_SPREAD)
    judged = [
        ImagePair(
            group=group,
            first=first,
            second=second,
            straight=_alike(thumbnails[first], thumbnails[second]),
            mirrored=_alike(thumbnails[first], thumbnails[second][:, ::-1]),
            area_ratio=float(np.exp(log)),
            z=float(z),
        )
        for (group, first, second), log, z in zip(pairs, logs, scores, strict=True)
    ]
    return sorted(judged, key=lambda pair: -np.nan_to_num(pair.area_ratio))


def _area_log_ratio(shapes: Shapes | None, first: int, second: int) -> float:
    if shapes is None:
        return float("nan")
    both = shapes.is_present[first] & shapes.is_present[second]
    if not both.any():
        return float("nan")
    areas = shapes.area_share[[first, second]][:, both]
    return float(np.median(np.abs(np.log(areas[0] / areas[1]))))


def _alike(a: NDArray[np.uint16], b: NDArray[np.uint16]) -> float:
    """Pearson's correlation of two thumbnails; 0 where one is flat."""
    one, two = (side.astype(np.float64).reshape(-1) - side.mean() for side in (a, b))
    length = np.linalg.norm(one) * np.linalg.norm(two)
    return float(one @ two / length) if length else 0.0
