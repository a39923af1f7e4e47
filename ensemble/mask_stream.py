"""The masks of one image after the other: fuse, make masks of each band of rows, join them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Generic, TypeVar

from ensemble.ensembles import Ensemble, PreparedImage
from ensemble.masks import Band, join_bands
from ensemble.rle import Runs
from ensemble.streaming import ordered_map, stepwise_map

# Threads that make masks of fused maps.
ENCODERS = 2

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class ImageMasks(Generic[Key]):
    """Runs per class of an image of (H, W) = `size`, which its `key` tells from others."""

    key: Key
    size: tuple[int, int]
    runs: list[Runs]


def side_map(ensemble: Ensemble) -> Callable[..., Iterator[Any]]:
    """How work is done in threads: beside the networks on a GPU, between their images on a CPU."""
    return stepwise_map if ensemble.on_cpu else ordered_map


def stream_masks(
    ensemble: Ensemble,
    images: Iterable[tuple[Key, PreparedImage]],
    *,
    round_size: int = 1,
    ahead: int = ENCODERS,
) -> Iterator[ImageMasks[Key]]:
    """Masks of images, in their order.

    Members go through `round_size` images in one turn; `ahead` fused bands wait to be masks.
    """

    def encode(item: tuple[Key, Band]) -> tuple[ImageMasks[Key], bool]:
        key, band = item
        return ImageMasks(key, band.size, ensemble.masks(band)), band.is_last

    bands = _fused(ensemble, images, round_size)
    parts: list[list[Runs]] = []
    for masks, is_last in side_map(ensemble)(encode, bands, threads=ENCODERS, ahead=ahead):
        parts.append(masks.runs)
        if is_last:
            yield replace(masks, runs=join_bands(parts))
            parts = []


def _fused(
    ensemble: Ensemble, images: Iterable[tuple[Key, PreparedImage]], round_size: int
) -> Iterator[tuple[Key, Band]]:
    """Key and fused maps of each image, band by band."""
    source = iter(images)
    while together := list(islice(source, round_size)):
        for index, band in ensemble.fuse([image for _, image in together]):
            yield together[index][0], band
