"""Where a mask is and of which parts it is made, from its row-major runs, without decoding them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.rle import join_touching
from ensemble.kernels.run_shapes import label_pieces, split_rows
from ensemble.runs.rle import Runs, area
from ensemble.runs.run_algebra import complement, union

# 4: pixels are connected through their sides; 8: also through their corners.
Connectivity = Literal[4, 8]


def bounding_box_yxyx(runs: Runs, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """(y0, x0, y1, x1) around a mask of an (H, W) = size image, ends excluded; None if empty."""
    if not len(runs):
        return None
    width = size[1]
    pieces = split_rows(runs, width)
    columns = pieces[:, 0] % width
    y0, y1 = int(pieces[0, 0]) // width, int(pieces[-1, 0]) // width + 1
    return y0, int(columns.min()), y1, int((columns + pieces[:, 1]).max())


def centroid_yx(runs: Runs, size: tuple[int, int]) -> tuple[float, float] | None:
    """Mean (y, x) of the pixels of a mask of an (H, W) = size image; None if empty.

    Pixel (0, 0) lies at (0, 0).
    """
    if not len(runs):
        return None
    pieces = split_rows(runs, size[1])
    rows, columns = np.divmod(pieces[:, 0], size[1])
    lengths = pieces[:, 1]
    # the columns of a piece sum to length * (first + last) / 2
    double_x = (lengths * (2 * columns + lengths - 1)).sum()
    return float((lengths * rows).sum() / area(runs)), float(double_x / 2 / area(runs))


def components(runs: Runs, size: tuple[int, int], *, connectivity: Connectivity = 8) -> list[Runs]:
    """The connected parts of a mask, the largest first, of equal ones that of the first pixel."""
    pieces, labels = _label(runs, size, connectivity)
    if not len(pieces):
        return []
    areas = _areas_px(pieces, labels)
    ranks = np.empty_like(areas)
    ranks[np.argsort(-areas, kind="stable")] = np.arange(len(areas))
    order = np.argsort(ranks[labels], kind="stable")
    ends = np.cumsum(np.bincount(ranks[labels]))
    return [join_touching(part) for part in np.split(pieces[order], ends[:-1])]


def largest_component(runs: Runs, size: tuple[int, int], *, connectivity: Connectivity = 8) -> Runs:
    """The largest connected part, of equal ones that of the first pixel; empty of an empty mask."""
    return largest_components(runs, size, 1, connectivity=connectivity)


def largest_components(
    runs: Runs, size: tuple[int, int], count: int, *, connectivity: Connectivity = 8
) -> Runs:
    """The `count` largest connected parts together, of equal ones those of the first pixels."""
    pieces, labels = _label(runs, size, connectivity)
    areas = _areas_px(pieces, labels)
    kept = np.zeros(len(areas), np.bool_)
    kept[np.argsort(-areas, kind="stable")[:count]] = True
    return join_touching(pieces[kept[labels]])


def drop_small_components(
    runs: Runs, size: tuple[int, int], min_area_px: int, *, connectivity: Connectivity = 8
) -> Runs:
    """The mask without the connected parts of fewer than `min_area_px` pixels."""
    pieces, labels = _label(runs, size, connectivity)
    return join_touching(pieces[(_areas_px(pieces, labels) >= min_area_px)[labels]])


def fill_holes(runs: Runs, size: tuple[int, int], *, connectivity: Connectivity = 8) -> Runs:
    """The mask with the parts of its background that do not reach the border of the image.

    `connectivity` is that of the mask. Its background is connected the other way, so that a closed
    line of pixels that touch at corners has an inside.
    """
    height, width = size
    background = complement(runs, size)
    pieces, labels = _label(background, size, 4 if connectivity == 8 else 8)
    rows, columns = np.divmod(pieces[:, 0], max(width, 1))
    at_border = (rows == 0) | (rows == height - 1)
    at_border |= (columns == 0) | (columns + pieces[:, 1] == width)
    is_outside = np.zeros(len(pieces), np.bool_)
    is_outside[labels[at_border]] = True
    return union(runs, join_touching(pieces[~is_outside[labels]]))


def _label(
    runs: Runs, size: tuple[int, int], connectivity: Connectivity
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pieces of rows, and the part (S,) that each belongs to, by the order of first pixels."""
    pieces = split_rows(runs, size[1])
    return pieces, label_pieces(pieces, size[1], 1 if connectivity == 8 else 0)


def _areas_px(pieces: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    areas = np.zeros(labels.max(initial=-1) + 1, np.int64)
    np.add.at(areas, labels, pieces[:, 1])
    return areas
