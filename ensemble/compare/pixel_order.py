"""Files that count pixels in another order than the others: masks of like areas, elsewhere."""

from __future__ import annotations

import numpy as np

from ensemble.compare.comparison import Comparison
from ensemble.errors import few

# Masks read in the wrong order keep their areas, but overlap by chance only.
_CHANCE_DICE, _LIKE_AREAS = 0.2, 0.8
_REMEDY = "ens vote FILE --rle-order column --out-order row --images IMAGES --out NEW rewrites it"


def order_hint(found: Comparison) -> str:
    """What to say where areas agree but masks do not; "" where all is well."""
    pairs = [pair for p, pair in enumerate(found.pairs) if _is_elsewhere(found, p)]
    if not pairs:
        return ""
    common = set.intersection(*map(set, pairs))
    dice = float(np.mean([found.matrix[pair] for pair in pairs]))
    if len(common) == 1 and len(pairs) == len(found.names) - 1:
        (odd,) = common
        what = f"The masks of {found.names[odd]} have much the same areas as those of the others"
        which = "it"
    else:
        listed = few([f"{found.names[a]} and {found.names[b]}" for a, b in pairs], 3)
        what, which = f"The masks of {listed} have much the same areas", "one of them"
    return (
        f"{what}, but hardly overlap (Dice {dice:.2f}): {which} may count pixels along columns "
        f"instead of rows ({_REMEDY})."
    )


def _is_elsewhere(found: Comparison, pair: int) -> bool:
    """Whether two files overlap much less than their areas allow, over masks that both fill."""
    areas = found.areas_px[list(found.pairs[pair])]
    both = areas.min(axis=0) > 0
    if not both.any():
        return False
    smaller, larger = areas.min(axis=0)[both], areas.max(axis=0)[both]
    most_dice = 2 * smaller / (smaller + larger)
    return bool(found.dice[pair][both].mean() < _CHANCE_DICE and most_dice.mean() > _LIKE_AREAS)
