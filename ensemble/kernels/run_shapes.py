"""Kernels over runs as pieces of the rows of an image; runs are row-major, of start and length."""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel


@kernel
def split_rows(runs: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Pieces (S, 2: start, length) of runs, each inside one row of `width` pixels."""
    count = 0
    for r in range(runs.shape[0]):
        count += (runs[r, 0] + runs[r, 1] - 1) // width - runs[r, 0] // width + 1
    pieces = np.empty((count, 2), np.int64)
    s = 0
    for r in range(runs.shape[0]):
        start, end = runs[r, 0], runs[r, 0] + runs[r, 1]
        while start < end:
            stop = min((start // width + 1) * width, end)
            pieces[s, 0] = start
            pieces[s, 1] = stop - start
            s += 1
            start = stop
    return pieces


@kernel
def label_pieces(pieces: NDArray[np.int64], width: int, reach: int) -> NDArray[np.int64]:
    """The connected part (S,) of each piece of a row, parts numbered in the order of first pixels.

    Pieces of neighbouring rows are connected if they share a column, or with reach = 1 a corner.
    """
    parents = np.arange(pieces.shape[0])
    first = 0  # no piece before it can touch this one or a later one
    for s in range(pieces.shape[0]):
        # the piece and what it can touch, moved to the row above
        start, end = pieces[s, 0] - width - reach, pieces[s, 0] + pieces[s, 1] - width + reach
        row = pieces[s, 0] // width - 1
        start, end = max(start, row * width), min(end, (row + 1) * width)
        while first < s and pieces[first, 0] + pieces[first, 1] <= start:
            first += 1
        above = first
        while above < s and pieces[above, 0] < end:
            _unite(parents, above, s)
            above += 1
    return _number_roots(parents)


@kernel
def _unite(parents: NDArray[np.int64], a: int, b: int) -> None:
    """Make one tree of two; its root is the earlier one."""
    a, b = _root(parents, a), _root(parents, b)
    parents[max(a, b)] = min(a, b)


@kernel
def _root(parents: NDArray[np.int64], node: int) -> int:
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@kernel
def _number_roots(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each node's tree, in the order of roots, which stand before their nodes."""
    labels = np.empty_like(parents)
    count = 0
    for node in range(parents.shape[0]):
        if parents[node] == node:
            labels[node] = count
            count += 1
        else:
            labels[node] = labels[parents[node]]
    return labels
