"""Labels compared with predictions, both as (K, H, W) bit planes.

Neighbours in a row mostly hold the same words: sweeps go by stretches of equal words.
"""

import numpy as np
from numpy.typing import NDArray

from ensemble.kernels.jit import kernel
from ensemble.kernels.pixel_classes import classes_at, is_same_pixel

# What a pixel is, all its classes together; SEVERAL is added where there are two or more of them.
NOTHING, RIGHT, MISSED, EXTRA, OTHER = range(5)
SEVERAL = 8
NUM_CODES = 16


@kernel
def add_confusion(
    true: NDArray[np.uint32],
    predicted: NDArray[np.uint32],
    confusion: NDArray[np.int64],
    shared: NDArray[np.int64],
    boxes: NDArray[np.int64],
) -> None:
    """Add the pixels of each pair of C classes.

    `confusion` (C + 1, C + 1): on the diagonal pixels of a class in both; else, of true class a and
    predicted class b, pixels where a is missed and b is extra. Index C stands for no class: missed
    where nothing is extra, extra where nothing is missed. `shared` (3, C, C): pixels that two
    classes share in truth, in the prediction, in both, areas on the diagonals. `boxes` (C, 4): top,
    left, bottom, right of each class in either, the ends not included; they stay where it is
    nowhere.
    """
    _, height, width = true.shape
    num_classes = boxes.shape[0]
    here = np.empty((3, num_classes), np.int64)
    wrong = np.empty((2, num_classes), np.int64)
    for y in range(height):
        start = 0
        while start < width:
            end = start + 1
            while (
                end < width
                and is_same_pixel(true, y, start, end)
                and is_same_pixel(predicted, y, start, end)
            ):
                end += 1
            num_true = classes_at(true, y, start, here[0])
            num_predicted = classes_at(predicted, y, start, here[1])
            if num_true + num_predicted:
                length = end - start
                ours, theirs = here[0, :num_true], here[1, :num_predicted]
                num_both = _split(ours, theirs, here[2], wrong[0])
                _split(theirs, ours, here[2], wrong[1])
                both = here[2, :num_both]
                _add_pairs(shared[0], ours, length)
                _add_pairs(shared[1], theirs, length)
                _add_pairs(shared[2], both, length)
                for c in both:
                    confusion[c, c] += length
                missed, extra = (
                    wrong[0, : num_true - num_both],
                    wrong[1, : num_predicted - num_both],
                )
                _add_wrong(confusion, missed, extra, length)
                _widen(boxes, ours, y, start, end)
                _widen(boxes, theirs, y, start, end)
            start = end


@kernel
def map_verdicts(
    true: NDArray[np.uint32],
    predicted: NDArray[np.uint32],
    looked_at: NDArray[np.uint32],
    verdicts: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """Write the code of each pixel to `verdicts` (H, W); how often each code comes (NUM_CODES,).

    `looked_at` (K,): the bits that count as classes. Where one is missed and another extra, the
    pixel is OTHER; RIGHT where neither is.
    """
    num_words, height, width = true.shape
    counts = np.zeros(NUM_CODES, np.int64)
    for y in range(height):
        for x in range(width):
            code = NOTHING
            num_true, num_predicted = 0, 0
            is_missed, is_extra = False, False
            for word in range(num_words):
                t = true[word, y, x] & looked_at[word]
                p = predicted[word, y, x] & looked_at[word]
                if t | p:
                    is_missed = is_missed or (t & ~p) != 0
                    is_extra = is_extra or (p & ~t) != 0
                    num_true += _several(t)
                    num_predicted += _several(p)
            if num_true + num_predicted:
                code = RIGHT
                if is_missed:
                    code = OTHER if is_extra else MISSED
                elif is_extra:
                    code = EXTRA
                if num_true > 1 or num_predicted > 1:
                    code += SEVERAL
            verdicts[y, x] = code
            counts[code] += 1
    return counts


@kernel
def _several(bits: np.uint32) -> int:
    """0, 1, or 2 for two set bits or more."""
    if bits == 0:
        return 0
    return 2 if bits & (bits - np.uint32(1)) else 1


@kernel
def _split(
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
    both: NDArray[np.int64],
    ours_alone: NDArray[np.int64],
) -> int:
    """Write what is in both sorted lists, and in ours alone; how many are in both."""
    num_both, num_alone, j = 0, 0, 0
    for c in ours:
        while j < theirs.shape[0] and theirs[j] < c:
            j += 1
        if j < theirs.shape[0] and theirs[j] == c:
            both[num_both] = c
            num_both += 1
        else:
            ours_alone[num_alone] = c
            num_alone += 1
    return num_both


@kernel
def _add_pairs(shared: NDArray[np.int64], classes: NDArray[np.int64], length: int) -> None:
    for a in classes:
        for b in classes:
            shared[a, b] += length


@kernel
def _add_wrong(
    confusion: NDArray[np.int64],
    missed: NDArray[np.int64],
    extra: NDArray[np.int64],
    length: int,
) -> None:
    """Add a stretch to each pair of a missed and an extra class, the last index for want of one."""
    nothing = confusion.shape[0] - 1
    for a in missed:
        for b in extra:
            confusion[a, b] += length
        if not extra.shape[0]:
            confusion[a, nothing] += length
    if not missed.shape[0]:
        for b in extra:
            confusion[nothing, b] += length


@kernel
def _widen(
    boxes: NDArray[np.int64], classes: NDArray[np.int64], y: int, start: int, end: int
) -> None:
    """Let boxes hold the pixels start..end - 1 of row y, which is their last so far."""
    for c in classes:
        box = boxes[c]
        is_first = box[2] == 0
        box[0] = y if is_first else box[0]
        box[1] = start if is_first else min(box[1], start)
        box[2] = y + 1
        box[3] = end if is_first else max(box[3], end)
