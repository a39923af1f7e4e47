"""Graded overlap of exclusive classes: at one point of the weights, and all along a line.

Along a line in weight space the fused value of every class is linear, so a pixel's class follows
the upper envelope of C lines, and the mean score is a step function of the place on the line.
"""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.dice import graded
from ensemble.kernels.jit import kernel
from ensemble.kernels.lattice import axis_table
from ensemble.kernels.line_sweep import NUM_CELLS, sort_events
from ensemble.kernels.undecided import upsample_row


@kernel
def collect_contested(
    maps: NDArray[np.uint8],
    sizes: tuple[NDArray[np.int64], NDArray[np.int64]],
    truth: NDArray[np.int16],
    num_classes: int,
) -> tuple[NDArray[np.uint8], NDArray[np.int16], NDArray[np.int64]]:
    """Upsample all maps of an image and keep the pixels whose class is not certain.

    `maps`: member by member, class by class, (h_m * w_m) each; `sizes` heights and widths
    (M * C,). `truth` (H, W): the class of each pixel, -1 where it does not count.
    A pixel is certain if one class's smallest value over members is above every value of all
    others: then it wins under any weights. Answers the others' values (M * C, n), their truth
    (n,), and counts (C, 3) of certain pixels, those of them that are right, and the true area.
    """
    height, width = truth.shape
    rows, columns = axis_table(sizes[0], height), axis_table(sizes[1], width)
    line = np.empty((sizes[0].shape[0], width), np.uint8)
    decided = np.zeros((num_classes, 3), np.int64)
    capacity = width
    values = np.empty((capacity, line.shape[0]), np.uint8)
    kept_truth = np.empty(capacity, np.int16)
    kept = 0
    for y in range(height):
        upsample_row(maps, sizes, (y, 0), rows, columns, line)
        if kept + width > capacity:
            capacity = 2 * (kept + width)
            values, kept_truth = _grown(values, kept_truth, capacity)
        for x in range(width):
            right = truth[y, x]
            if right < 0:
                continue
            decided[right, 2] += 1
            winner = _certain_class(line[:, x], num_classes)
            if winner >= 0:
                decided[winner, 0] += 1
                decided[winner, 1] += int(winner == right)
            else:
                values[kept] = line[:, x]
                kept_truth[kept] = right
                kept += 1
    return values[:kept].copy(), kept_truth[:kept].copy(), decided


@kernel
def _grown(
    values: NDArray[np.uint8], truth: NDArray[np.int16], capacity: int
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    more_values = np.empty((capacity, values.shape[1]), np.uint8)
    more_truth = np.empty(capacity, np.int16)
    more_values[: values.shape[0]] = values
    more_truth[: truth.shape[0]] = truth
    return more_values, more_truth


@kernel
def _certain_class(pixel: NDArray[np.uint8], num_classes: int) -> int:
    """The class whose smallest value lies above all values of the others, or -1."""
    best, smallest, second = -1, -1, -1
    for c in range(num_classes):
        low, high = 255, 0
        for i in range(c, pixel.shape[0], num_classes):
            low = min(low, int(pixel[i]))
            high = max(high, int(pixel[i]))
        if low > smallest:
            second = max(second, -1 if best < 0 else _highest(pixel, best, num_classes))
            best, smallest = c, low
        else:
            second = max(second, high)
    return best if smallest > second else -1


@kernel
def _highest(pixel: NDArray[np.uint8], c: int, num_classes: int) -> int:
    high = 0
    for i in range(c, pixel.shape[0], num_classes):
        high = max(high, int(pixel[i]))
    return high


@kernel
def argmax_counts(
    values: NDArray[np.uint8],
    truth: NDArray[np.int16],
    images: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    weights: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Area, hits and true area (n, C, 3), a pixel taking the class of the largest sum w * q.

    `values` (T, M * C), `truth` (T,). `images`: the chosen ones (n,), pixel offsets (N + 1,),
    decided (N, C, 3). `weights` (C, M). Of equal classes the first wins.
    """
    chosen, offsets, decided = images
    num_classes = weights.shape[0]
    found = decided[chosen]
    for n in range(chosen.shape[0]):
        for k in range(offsets[chosen[n]], offsets[chosen[n] + 1]):
            best, most = 0, -1.0
            for c in range(num_classes):
                fused = 0.0
                for m in range(weights.shape[1]):
                    fused += weights[c, m] * values[k, m * num_classes + c]
                if fused > most:
                    best, most = c, fused
            found[n, best, 0] += 1
            found[n, best, 1] += int(best == truth[k])
    return found


@kernel
def sweep_argmax(
    pixels: tuple[NDArray[np.uint8], NDArray[np.int16]],
    images: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    span: tuple[float, float],
    grading: tuple[NDArray[np.int64], NDArray[np.float64], bool],
) -> NDArray[np.float64]:
    """Weighted mean score over blocks and classes at the NUM_CELLS + 1 cell borders of a line.

    The line is start + place * direction, weights (M,) for all classes, place in span. `grading`:
    blocks (B,), how many of the chosen images, one after the other, are scored together each, the
    weights (B,) of those scores, mean 1, and whether they are IoU, not Dice. `pixels` are values
    and truth; they and `images` are as in `argmax_counts`.
    """
    (values, truth), (blocks, block_weights, is_iou) = pixels, grading
    chosen, offsets, decided = images
    num_classes = decided.shape[1]
    steps = np.zeros(NUM_CELLS + 1, np.float64)
    base, slope = np.empty(num_classes), np.empty(num_classes)
    keys = np.empty((2, 1), np.int32)
    events = np.empty((2, 1), np.int64)
    n = 0
    for b in range(blocks.shape[0]):
        counts = np.zeros((num_classes, 3), np.int64)
        found = 0
        for _ in range(blocks[b]):
            counts += decided[chosen[n]]
            for k in range(offsets[chosen[n]], offsets[chosen[n] + 1]):
                _fuse(values[k], start, direction, base, slope)
                winner = _winner(base, slope, span[0])
                counts[winner, 0] += 1
                counts[winner, 1] += int(winner == truth[k])
                place = span[0]
                while True:
                    successor, place = _overtaking(base, slope, winner, place)
                    if successor < 0 or place >= span[1]:
                        break
                    if found == keys.shape[1]:
                        keys, events = _doubled(keys, events)
                    cell = int((place - span[0]) / (span[1] - span[0]) * NUM_CELLS)
                    keys[0, found] = min(max(cell, 0), NUM_CELLS - 1)
                    events[0, found] = (winner * num_classes + successor) * num_classes + truth[k]
                    found += 1
                    winner = successor
            n += 1
        sort_events(keys, events, found)
        for c in range(num_classes):
            steps[0] += block_weights[b] * graded(counts[c, 1], counts[c, 0], counts[c, 2], is_iou)
        grade = (block_weights[b], is_iou)
        _add_steps((keys[0, :found], events[0, :found]), counts, grade, steps)
    return np.cumsum(steps) / (blocks.shape[0] * num_classes)


@kernel
def _fuse(
    pixel: NDArray[np.uint8],
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    base: NDArray[np.float64],
    slope: NDArray[np.float64],
) -> None:
    """Each class's value on the line: base + place * slope."""
    num_classes = base.shape[0]
    base[:] = 0.0
    slope[:] = 0.0
    for m in range(start.shape[0]):
        for c in range(num_classes):
            base[c] += start[m] * pixel[m * num_classes + c]
            slope[c] += direction[m] * pixel[m * num_classes + c]


@kernel
def _winner(base: NDArray[np.float64], slope: NDArray[np.float64], place: float) -> int:
    """The class of the largest value just after a place."""
    best = 0
    for c in range(1, base.shape[0]):
        ahead = base[c] + place * slope[c] - (base[best] + place * slope[best])
        if ahead > 0 or (ahead == 0 and slope[c] > slope[best]):
            best = c
    return best


@kernel
def _overtaking(
    base: NDArray[np.float64], slope: NDArray[np.float64], winner: int, place: float
) -> tuple[int, float]:
    """The class that overtakes the winner next, and where; -1 if none ever does."""
    successor, nearest = -1, np.inf
    for c in range(base.shape[0]):
        faster = slope[c] - slope[winner]
        if faster > 0:
            crossing = max((base[winner] - base[c]) / faster, place)
            if crossing < nearest or (crossing == nearest and slope[c] > slope[successor]):
                successor, nearest = c, crossing
    return successor, nearest


@kernel
def _doubled(
    keys: NDArray[np.int32], events: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    count = keys.shape[1]
    more_keys = np.empty((2, 2 * count), np.int32)
    more_events = np.empty((2, 2 * count), np.int64)
    more_keys[:, :count] = keys
    more_events[:, :count] = events
    return more_keys, more_events


@kernel
def _add_steps(
    crossings: tuple[NDArray[np.int32], NDArray[np.int64]],
    counts: NDArray[np.int64],
    grade: tuple[float, bool],
    steps: NDArray[np.float64],
) -> None:
    """Move the pixels from class to class and add to steps[cell + 1] what that does to scores."""
    (keys, events), (weight, is_iou) = crossings, grade
    num_classes = counts.shape[0]
    for i in range(keys.shape[0]):
        moved, right = divmod(events[i], num_classes)
        old, new = divmod(moved, num_classes)
        for c, sign in ((old, -1), (new, 1)):
            before = graded(counts[c, 1], counts[c, 0], counts[c, 2], is_iou)
            counts[c, 0] += sign
            counts[c, 1] += sign * int(c == right)
            after = graded(counts[c, 1], counts[c, 0], counts[c, 2], is_iou)
            steps[keys[i] + 1] += weight * (after - before)
