"""Test-time views: symmetries of a rectangle, changes of scale and of intensity.

A view transforms what a network looks at; its inverse brings the soft map of the answer back to the
grid of the untransformed input. Symmetries move pixels and are exact on every size; a scaled view
is rounded to the network's stride and comes back to the exact grid by interpolation; a change of
intensity has nothing to bring back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, cast

import torch
import ttach.functional as symmetry
from torch import Tensor
from torch.nn.functional import interpolate

from ensemble.errors import ConfigError

MIN_FACTOR, MAX_FACTOR = 0.1, 8.0


@dataclass(frozen=True, slots=True, order=True)
class View:
    """Change intensities, transpose, flip, resize, in this order; parts that are off do nothing.

    Intensities p in 0..1 become brightness * (m + contrast * (p - m)), m the mean of all of them in
    the network's input, cut to 0..1. Sides are multiplied by `scale`.
    """

    transpose: bool = False
    flip_y: bool = False
    flip_x: bool = False
    scale: float = 1.0
    brightness: float = 1.0
    contrast: float = 1.0

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged: an odd number of reflections."""
        return self.transpose ^ self.flip_y ^ self.flip_x

    @property
    def name(self) -> str:
        """A short name: "identity", "hflip", "rot90", "hflip*scale=0.75"."""
        parts = [] if self._symmetry == (False, False, False) else [_NAMES[self._symmetry]]
        factors = {factor: getattr(self, factor) for factor in _FACTORS}
        parts += [f"{factor}={value:g}" for factor, value in factors.items() if value != 1.0]
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
            self.brightness * other.brightness,
            self.contrast * other.contrast,
        )

    def size(self, size: tuple[int, int], stride: int) -> tuple[int, int]:
        """(h', w') of an input of (h, w); scaled sides are rounded to a multiple of stride."""
        height, width = size[::-1] if self.transpose else size
        if self.scale == 1.0:
            return height, width
        return _rounded(height * self.scale, stride), _rounded(width * self.scale, stride)

    def apply(self, batch: Tensor, stride: int) -> Tensor:
        """Transform intensities (N, ch, h, w) float32 in 0..1 to (N, ch, h', w')."""
        size = self.size((batch.shape[2], batch.shape[3]), stride)
        if self.brightness != 1.0 or self.contrast != 1.0:
            mean = batch.mean((1, 2, 3), keepdim=True)
            batch = (self.brightness * (mean + self.contrast * (batch - mean))).clamp(0, 1)
        if self.transpose:
            batch = batch.transpose(2, 3)
        if self.flip_y:
            batch = symmetry.vflip(batch)
        if self.flip_x:
            batch = symmetry.hflip(batch)
        return resize_maps(batch, size)

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


def _rounded(side: float, stride: int) -> int:
    return max(round(side / stride), 1) * stride


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

# The parts of a view that are a number, as the specification names them.
_FACTORS = ("scale", "brightness", "contrast")

_SYMMETRIES: dict[str, tuple[View, ...]] = {
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
    d4 (all eight symmetries), scale=S:S:..., brightness=B:B:..., contrast=C:C:... (just the values
    named). "" is the untouched image alone. Views that come out equal are kept once. Raises
    ConfigError for anything else.
    """
    factors = [_parse_factor(word.strip()) for word in spec.split(",") if word.strip()]
    views: list[View] = []
    for choice in product(*factors):
        view = IDENTITY
        for part in choice:
            view = view.then(part)
        if view not in views:
            views.append(view)
    for view in views:
        _check_factors(view)
    return tuple(views)


def format_views(views: tuple[View, ...]) -> str:
    """The names of views, in order, separated by commas."""
    return ",".join(view.name for view in views)


def _parse_factor(word: str) -> tuple[View, ...]:
    name, equals, values = word.partition("=")
    if equals and name in _FACTORS:
        return tuple(_with_factor(name, _parse_value(name, text)) for text in values.split(":"))
    if word in _SYMMETRIES:
        return _SYMMETRIES[word]
    raise ConfigError(
        f"unknown view {word!r}",
        where="--tta",
        expected=f"{', '.join(_SYMMETRIES)}, scale=0.75:1:1.25, brightness=0.9:1:1.1 or "
        "contrast=0.8:1:1.2, separated by commas",
    )


def _check_factors(view: View) -> None:
    """Raise ConfigError where a product of factors is out of range."""
    for name in _FACTORS:
        if not MIN_FACTOR <= getattr(view, name) <= MAX_FACTOR:
            raise ConfigError(
                f"a {name} comes out of range",
                where="--tta",
                expected=f"{MIN_FACTOR:g} to {MAX_FACTOR:g}",
                got=view.name,
            )


def _with_factor(name: str, value: float) -> View:
    changes: dict[str, Any] = {name: value}
    return replace(IDENTITY, **changes)


def _parse_value(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not MIN_FACTOR <= value <= MAX_FACTOR:
        raise ConfigError(
            f"a {name} must be a number above 0",
            where="--tta",
            expected=f"{MIN_FACTOR:g} to {MAX_FACTOR:g}",
            got=repr(text),
        )
    return value


def mean_over_views(
    views: tuple[View, ...],
    batch: Tensor,
    forward: Callable[[Tensor], Tensor],
    *,
    stride: int,
    mirror_permutation: tuple[int, ...],
    at_once: int = 1,
) -> Tensor:
    """Mean of a network's maps (N, C, h, w) over views of its input batch (N, ch, h, w) in 0..1.

    `forward` answers transformed inputs with maps of their size, which are its caller's to change:
    the mean is made in them. Under a mirrored view class c of
    the answer is class mirror_permutation[c] of the image. Views of one size go through the network
    together, up to `at_once` inputs, and those that rounding makes equal only once; they are folded
    in one at a time.
    """
    if not views:
        raise ConfigError("there must be at least one view")
    size = (batch.shape[2], batch.shape[3])
    effects = [(replace(view, scale=1.0), view.size(size, stride)) for view in views]
    distinct = dict(zip(effects, views, strict=True))
    counts = {distinct[effect]: count for effect, count in Counter(effects).items()}
    swap = torch.tensor(mirror_permutation, device=batch.device)
    swaps = mirror_permutation != tuple(range(len(mirror_permutation)))
    total: Tensor | None = None
    for together in _of_one_size(counts, size, stride, max(at_once // len(batch), 1)):
        taken = [view.apply(batch, stride) for view in together]
        answers = forward(taken[0] if len(taken) == 1 else torch.cat(taken))
        for view, answer in zip(together, torch.split(answers, len(batch)), strict=True):
            maps = view.invert(answer, size)
            if view.mirrored and swaps:
                maps = maps[:, swap]
            share = counts[view] / len(views)
            total = maps.mul_(share) if total is None else total.add_(maps, alpha=share)
    return cast(Tensor, total)


def _of_one_size(
    views: Iterable[View], size: tuple[int, int], stride: int, most: int
) -> Iterator[list[View]]:
    """Views in groups of at most `most` that give inputs of one size."""
    by_size: dict[tuple[int, int], list[View]] = {}
    for view in views:
        by_size.setdefault(view.size(size, stride), []).append(view)
    for alike in by_size.values():
        yield from (alike[start : start + most] for start in range(0, len(alike), most))
