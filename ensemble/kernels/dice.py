"""The graded overlap of counted pixels."""

from ensemble.kernels.jit import kernel

# Keeps 0 / 0 at 1: an empty prediction of an absent class is right. From the contest's metric.
DICE_EPS = 1e-4


@kernel
def graded(hits: int, area: int, true_area: int, is_iou: bool) -> float:
    """Dice (2 I + e) / (A + B + e), or IoU (I + e) / (A + B - I + e)."""
    if is_iou:
        return (hits + DICE_EPS) / (area + true_area - hits + DICE_EPS)
    return (2.0 * hits + DICE_EPS) / (area + true_area + DICE_EPS)
