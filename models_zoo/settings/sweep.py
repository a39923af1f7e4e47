"""A member of zoo.yaml with a `sweep`: one member for each combination of the values in its lists.

    - {arch: unet, sweep: {loss: [bce_dice, focal_dice], size: [512, 768]}}

makes four. A sweep among the defaults is of every member; a key that the member sets itself is not
swept there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from ensemble.files.faults import Fault, Loc
from ensemble.wording import shown
from models_zoo.settings.member_spec import names_its_encoder

SWEEP = "sweep"
# More members than anybody trains: a slip, which would take long to be refused otherwise.
MOST_MEMBERS = 500
# What the name of a member says by itself, and what cannot differ within a sweep.
_IN_THE_NAME = ("arch", "encoder", "size")
NOT_SWEPT = ("name", SWEEP)
# YAML reads 1e-3 as text.
_NUMBER = re.compile(r"[0-9.]+(e[+-]?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pick:
    """The value that a combination has of a swept key, and where in the file it stands."""

    key: str
    value: Any
    loc: Loc

    @property
    def word(self) -> str:
        """The value in a member's name: focal_dice, no_augment, 512x768, lr1e-3, augment2."""
        position = self.loc[-1]
        if self.value == "none":
            word = f"no_{self.key}"
        elif isinstance(self.value, str) and not _NUMBER.fullmatch(self.value):
            word = self.value
        elif isinstance(self.value, list | tuple):
            word = "x".join(map(str, self.value))
        elif isinstance(self.value, Mapping):
            word = f"{self.key}{int(position) + 1}"
        else:
            word = str(self.value) if self.key == "size" else f"{self.key}{self.value}"
        return re.sub(r"[^A-Za-z0-9._+-]", "_", word)


@dataclass(frozen=True, slots=True)
class Combination:
    """A member with one value of every swept key: its mapping, without `sweep`, and the values."""

    content: dict[str, Any]
    picks: tuple[Pick, ...] = ()

    def loc_of(self, key: object) -> Loc | None:
        """Where the value of a swept key stands; None for other keys."""
        return next((pick.loc for pick in self.picks if pick.key == key), None)

    def name_after(self, plain_name: str, *, is_given: bool) -> str:
        """The name with the values that it does not say yet; a given one says none of them."""
        words = [pick.word for pick in self.picks if is_given or pick.key not in _IN_THE_NAME]
        return "-".join([plain_name, *words])


def combinations(
    member: Mapping[str, Any], defaults: Mapping[str, Any], loc: Loc
) -> tuple[list[Combination], list[Fault]]:
    """The members that a member (at `loc`) with its sweep and that of the defaults stands for.

    A faulty sweep is passed over, so that the rest of the member is checked all the same.
    """
    plain = {key: value for key, value in member.items() if key != SWEEP}
    faults = [*_faults(member, loc), *_faults(defaults, ("defaults",))]
    if faults:
        return [Combination(plain)], faults
    lists = {
        key: [Pick(key, value, (*place, SWEEP, key, i)) for i, value in enumerate(values)]
        for place, owner in ((("defaults",), defaults), (loc, member))
        for key, values in owner.get(SWEEP, {}).items()
        if key not in plain and not (key == "encoder" and names_its_encoder(plain))
    }
    if (count := prod(map(len, lists.values()))) > MOST_MEMBERS:
        return [Combination(plain)], [
            Fault((*loc, SWEEP), f"makes {count} members, more than {MOST_MEMBERS}")
        ]
    return list(_crossed(plain, list(lists.values()))), []


def _faults(owner: Mapping[str, Any], loc: Loc) -> Iterator[Fault]:
    """What is wrong with the sweep of a member or of the defaults."""
    sweep, loc = owner.get(SWEEP, {}), (*loc, SWEEP)
    if not isinstance(sweep, Mapping):
        yield Fault(loc, f"must be a mapping of keys to lists, got {shown(sweep)}")
        return
    for key, values in sweep.items():
        if key in NOT_SWEPT:
            yield Fault((*loc, key), "cannot be swept")
        elif not isinstance(values, list) or not values:
            yield Fault((*loc, key), f"must be a list of values, got {shown(values)}")
        elif key in owner:
            yield Fault((*loc, key), "is set beside the sweep too: leave one of them out")


def _crossed(member: Mapping[str, Any], lists: Sequence[Sequence[Pick]]) -> Iterator[Combination]:
    for picks in product(*lists):
        values = {pick.key: pick.value for pick in picks}
        yield Combination({**member, **values}, picks)
