"""One look at an image's soft maps: masks of the ensemble and of each member, signs of doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ensemble.fusion.soft_maps import LEVELS, MapScale
from ensemble.kernels.dice import DICE_EPS
from ensemble.kernels.map_sums import Sums
from ensemble.maps.map_sums import sum_maps
from ensemble.maps.masks import Maps, argmax_runs, maps_to_runs
from ensemble.runs.filters import ClassFilter
from ensemble.runs.rle import Runs, area
from ensemble.runs.run_algebra import dice
from ensemble.tuning.class_plan import ClassMaps, ClassPlan
from ensemble.tuning.filter_choice import fuse_class
from ensemble.tuning.rules import DEFAULT_THRESHOLD, Rules

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FusionPlan:
    """How the maps of C classes and M sources become masks; `filters` (C,)."""

    classes: ClassPlan
    rules: Rules
    filters: tuple[ClassFilter, ...]
    scale: MapScale


@dataclass(frozen=True, slots=True)
class Look:
    """`masks` (C,) of the ensemble; `own` (M, C) of each member at .5, None where it has no such
    class; `signs` (C, K) as `predicted_dice.SIGNS` names them.
    """

    size: tuple[int, int]
    masks: tuple[Runs, ...]
    own: tuple[tuple[Runs | None, ...], ...]
    signs: Floats

    @property
    def areas_px(self) -> NDArray[np.int64]:
        """(C,): of the ensemble's masks."""
        return np.array([area(runs) for runs in self.masks], np.int64)

    def pair_dice(self) -> Floats:
        """(P, C): Dice of the masks of two members, NaN where one lacks the class."""
        found = [
            [np.nan if x is None or y is None else dice(x, y) for x, y in zip(a, b, strict=True)]
            for a, b in combinations(self.own, 2)
        ]
        return np.array(found).reshape(-1, len(self.masks))


class Looker:
    """Watches the maps of an image go by, class by class; `look` then says what was seen.

    Only what classes that exclude each other need together is held.
    """

    def __init__(self, plan: FusionPlan, size: tuple[int, int]) -> None:
        self._plan = plan
        self._size = size
        self._held: list[_ClassMaps] = []
        self._seen: list[_ClassLook] = []

    def watch(self, maps: Iterable[ClassMaps]) -> Iterator[ClassMaps]:
        """Pass maps on, and look at them."""
        weights = self._plan.rules.weights
        for c, class_maps in enumerate(maps):
            held = _ClassMaps(
                fuse_class(class_maps, weights[c]),
                [None if plane is None else _shares(plane) for plane in class_maps],
            )
            if self._plan.classes.exclusive:
                self._held.append(held)
            else:
                self._seen.append(self._look_at(c, held))
            yield class_maps

    def look(self, maps: Iterable[ClassMaps] = ()) -> Look:
        """What was seen, of these maps too."""
        for _ in self.watch(maps):
            pass
        seen = self._seen or self._contest()
        return Look(
            self._size,
            tuple(each.mask for each in seen),
            tuple(zip(*(each.own for each in seen), strict=True)),
            np.stack([self._signs(each) for each in seen]),
        )

    def _look_at(self, c: int, maps: _ClassMaps) -> _ClassLook:
        """A class that overlaps others."""
        scale, limit = self._plan.scale, self._plan.rules.thresholds[c]
        middle = float(scale.shares(np.array([DEFAULT_THRESHOLD]))[0])
        chosen = self._plan.filters[c]
        mask, sure_px = self._above(maps.fused, limit), 0
        if chosen.min_sure_px:
            level = float(scale.shares(np.array([chosen.sure_threshold]))[0])
            sure_px = area(self._above(maps.fused, level))
        mask = chosen.apply(mask, self._size, sure_px)
        own = [None if each is None else self._above([each], middle) for each in maps.own]
        return _ClassLook(mask, own, self._sums(maps.fused, mask))

    def _contest(self) -> list[_ClassLook]:
        """Classes of which each pixel has one."""
        masks = self._largest([maps.fused for maps in self._held])
        columns = zip(*(maps.own for maps in self._held), strict=True)
        own = [self._largest([[m] for m in column if m is not None]) for column in columns]
        return [
            _ClassLook(mask, list(each), self._sums(maps.fused, mask))
            for mask, each, maps in zip(masks, zip(*own, strict=True), self._held, strict=True)
        ]

    def _sums(self, grids: Sequence[Maps], mask: Runs) -> Sums:
        scale = self._plan.scale
        return sum_maps(scale.values(grids), mask, self._size, scale.space)

    def _above(self, grids: Sequence[Maps], limit: float) -> Runs:
        return maps_to_runs(grids, np.array([limit]), self._size)[0]

    def _largest(self, by_class: Sequence[Sequence[Maps]]) -> list[Runs]:
        grids = [np.concatenate(each) for each in zip(*by_class, strict=True)]
        return argmax_runs(grids, self._size)

    def _signs(self, seen: _ClassLook) -> Floats:
        """(K,) as `SIGNS` names them."""
        sums, area_px = seen.sums, area(seen.mask)
        agreement = [dice(seen.mask, own) for own in seen.own if own is not None]
        return np.array(
            [
                (2 * sums.mass_inside + DICE_EPS) / (area_px + sums.mass + DICE_EPS),
                sums.entropy / (area_px + sums.mass + 1),
                sums.peak,
                np.mean(agreement),
            ]
        )


@dataclass(frozen=True, slots=True)
class _ClassMaps:
    """A class's fused maps, one (1, h_g, w_g) a grid, and those of its members, in shares."""

    fused: list[Maps]
    own: list[Maps | None]


@dataclass(frozen=True, slots=True)
class _ClassLook:
    mask: Runs
    own: list[Runs | None]
    sums: Sums


def _shares(plane: NDArray[np.uint8]) -> Maps:
    return np.asarray(plane[None] / np.float32(LEVELS), np.float32)
