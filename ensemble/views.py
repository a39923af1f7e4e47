"""Test-time views: the eight symmetries of a rectangle and changes of scale, with their inverses.

A view transforms a network's input; its inverse brings the soft map of the answer back to the
grid of the untransformed input. Symmetries move pixels and are exact on every size; a scaled view
is rounded to the network's stride and comes back to the exact grid by interpolation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
import ttach.functional as symmetry
from torch import Tensor
from torch.nn.functional import interpolate

from ensemble.errors import ConfigError

MIN_SCALE, MAX_SCALE = 0.1, 8.0


@dataclass(frozen=True, slots=True, order=True)
class View:
    """Transpose, then flip, then resize by `scale`; the parts that are off do nothing."""

    transpose: bool = False
    flip_y: bool = False
    flip_x: bool = False
    scale: float = 1.0

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged: an odd number of reflections."""
        return self.transpose ^ self.flip_y ^ self.flip_x

    @property
    def name(self) -> str:
        """A short name: "identity", "hflip", "rot90", "hflip*scale=0.75"."""
        parts = [] if self._symmetry == (False, False, False) else [_NAMES[self._symmetry]]
        if self.scale != 1.0:
            parts.append(f"scale={self.scale:g}")
        return "*".join(parts) or "identity"

    @property
    def _symmetry(self) -> tuple[bool, bool, bool]:
        return self.transpose, self.flip_y, self.flip_x

    def then(self, other: View) -> View:
        """The view that does this one, then the other."""
        flip_y, flip_x = self.flip_y, self.flip_x
        if other.transpose:
            flip_y, flip_x = flip_x, flip_y
        return View(
            self.transpose ^ other.transpose,
            flip_y ^ other.flip_y,
            flip_x ^ other.flip_x,
            self.scale * other.scale,
        )

    def apply(self, batch: Tensor, stride: int) -> Tensor:
        """Transform input (N, ch, h, w) float; scaled sides are rounded to a multiple of stride."""
        if self.transpose:
            batch = batch.transpose(2, 3)
        if self.flip_y:
            batch = symmetry.vflip(batch)
        if self.flip_x:
            batch = symmetry.hflip(batch)
        if self.scale == 1.0:
            return batch
        height, width = (
            max(round(side * self.scale / stride), 1) * stride for side in batch.shape[2:]
        )
        return resize_maps(batch, (height, width))

    def invert(self, maps: Tensor, size: tuple[int, int]) -> Tensor:
        """Bring maps (N, C, h', w') of the transformed input back to (N, C, h, w), h, w = size."""
        maps = resize_maps(maps, size[::-1] if self.transpose else size)
        if self.flip_x:
            maps = symmetry.hflip(maps)
        if self.flip_y:
            maps = symmetry.vflip(maps)
        if self.transpose:
            maps = maps.transpose(2, 3)
        return maps


def resize_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (N, C, h, w) bilinearly (align_corners=False), low-pass where an axis shrinks."""
    if tuple(maps.shape[2:]) == tuple(size):
        return maps
    return interpolate(maps, size, mode="bilinear", align_corners=False, antialias=True)


IDENTITY = View()
_HFLIP = View(flip_x=True)
_VFLIP = View(flip_y=True)
_TRANSPOSE = View(transpose=True)
_QUARTER = View(transpose=True, flip_y=True)  # a quarter turn against the clock, as torch.rot90
_QUARTERS = (
    IDENTITY,
    _QUARTER,
    View(flip_y=True, flip_x=True),
    _QUARTER.then(View(False, True, True)),
)

_NAMES = {
    (False, False, True): "hflip",
    (False, True, False): "vflip",
    (False, True, True): "rot180",
    (True, False, False): "transpose",
    (True, True, False): "rot90",
    (True, False, True): "rot270",
    (True, True, True): "antitranspose",
}

_FACTORS: dict[str, tuple[View, ...]] = {
    "identity": (IDENTITY,),
    "hflip": (IDENTITY, _HFLIP),
    "vflip": (IDENTITY, _VFLIP),
    "transpose": (IDENTITY, _TRANSPOSE),
    "rot90": _QUARTERS,
    "d4": tuple(a.then(b) for a in _QUARTERS for b in (IDENTITY, _HFLIP)),
}


def parse_views(spec: str) -> tuple[View, ...]:
    """The views of a specification such as "hflip,scale=0.75:1:1.25": the product of its factors.

    Factors: hflip, vflip, transpose (each with the untouched image), rot90 (four quarter turns),
    d4 (all eight symmetries), scale=S:S:... (just the scales named). "" is the untouched image
    alone. Views that come out equal are kept once. Raises ConfigError for anything else.
    """
    factors = [_parse_factor(word.strip()) for word in spec.split(",") if word.strip()]
    views: list[View] = []
    for choice in product(*factors):
        view = IDENTITY
        for part in choice:
            view = view.then(part)
        if view not in views:
            views.append(view)
    return tuple(views)


def format_views(views: tuple[View, ...]) -> str:
    """The names of views, in order, separated by commas."""
    return ",".join(view.name for view in views)


def _parse_factor(word: str) -> tuple[View, ...]:
    if word.startswith("scale="):
        return tuple(View(scale=_parse_scale(text)) for text in word[len("scale=") :].split(":"))
    if word in _FACTORS:
        return _FACTORS[word]
    raise ConfigError(
        f"unknown view {word!r}",
        where="--tta",
        expected=f"{', '.join(_FACTORS)} or scale=0.75:1:1.25, separated by commas",
    )


def _parse_scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not MIN_SCALE <= scale <= MAX_SCALE:
        raise ConfigError(
            "a scale must be a number",
            where="--tta",
            expected=f"{MIN_SCALE:g} to {MAX_SCALE:g}",
            got=repr(text),
        )
    return scale


def mean_over_views(
    views: tuple[View, ...],
    batch: Tensor,
    forward: Callable[[Tensor], Tensor],
    *,
    stride: int,
    mirror_permutation: tuple[int, ...],
) -> Tensor:
    """Mean of a network's maps (N, C, h, w) over views of its input batch (N, ch, h, w).

    `forward` answers a transformed batch with maps of its size. Under a mirrored view class c of
    the answer is class mirror_permutation[c] of the image. Views are folded in one at a time.
    """
    size = (batch.shape[2], batch.shape[3])
    swap = torch.tensor(mirror_permutation, device=batch.device)
    swaps = mirror_permutation != tuple(range(len(mirror_permutation)))
    total: Tensor | None = None
    for view in views:
        maps = view.invert(forward(view.apply(batch, stride)), size)
        if view.mirrored and swaps:
            maps = maps[:, swap]
        total = maps.clone() if total is None else total.add_(maps)
    if total is None:
        raise ConfigError("there must be at least one view")
    return total.div_(len(views))
