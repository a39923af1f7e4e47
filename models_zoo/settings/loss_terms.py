"""How a loss is written in zoo.yaml: a sum of terms, as "bce + 0.5*tversky=0.3:0.7".

    bce                     cross entropy, binary where classes overlap
    focal=GAMMA             cross entropy, pixels that are easy count less (Lin et al. 2017)
    boundary=RADIUS:WEIGHT  cross entropy, pixels that near to a boundary of a class count so much
    dice                    1 - soft Dice (Milletari et al. 2016)
    tversky=ALPHA:BETA      the same with weights for what is extra and what is missed (Salehi 2017)
    lovasz                  the Lovasz extension of 1 - IoU (Berman et al. 2018)

What follows "=" may be left out; "bce_dice" and "focal_dice" are short for sums of two.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

# The terms with the values that they have where none are written.
DEFAULTS: dict[str, tuple[float, ...]] = {
    "bce": (),
    "focal": (2.0,),
    "boundary": (3.0, 5.0),
    "dice": (),
    "tversky": (0.3, 0.7),
    "lovasz": (),
}
SHORT = {"bce_dice": "bce + dice", "focal_dice": "focal + dice"}

_TERM = re.compile(r"(?:([0-9.]+(?:e-?[0-9]+)?)\s*\*\s*)?([a-z]+)(?:=([0-9.:]+))?")


@dataclass(frozen=True, slots=True)
class LossTerm:
    """One term of a loss: what it counts, its name, and its values."""

    factor: float
    name: str
    values: tuple[float, ...]


def parse_loss(text: str) -> tuple[LossTerm, ...]:
    """The terms of a written loss; raises ValueError that says what is wrong with it."""
    return tuple(_parse_term(word.strip()) for word in SHORT.get(text, text).split("+"))


def _parse_term(word: str) -> LossTerm:
    match = _TERM.fullmatch(word)
    if match is None or match[2] not in DEFAULTS:
        raise ValueError(
            f"has no loss {word!r}: a sum of {', '.join(DEFAULTS)}, such as bce + 0.5*tversky"
        )
    factor, name, written = match.groups()
    defaults = DEFAULTS[name]
    try:
        values = tuple(float(value) for value in written.split(":")) if written else defaults
        term = LossTerm(1.0 if factor is None else float(factor), name, values)
    except ValueError:
        raise ValueError(f"has no number in {word!r}") from None
    if len(values) != len(defaults):
        raise ValueError(f"{name} has {len(defaults)} values and not {len(values)}, in {word!r}")
    if not all(map(math.isfinite, (term.factor, *values))):
        raise ValueError(f"must have finite numbers, in {word!r}")
    if term.factor <= 0 or (name == "tversky" and sum(values) <= 0):
        raise ValueError(f"must count something, in {word!r}")
    if name == "boundary" and (values[0] < 1 or values[0] % 1 or values[1] < 1):
        raise ValueError(f"must have a radius of whole pixels and a weight from 1 on, in {word!r}")
    return term
