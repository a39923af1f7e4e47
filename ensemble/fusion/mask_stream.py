"""The masks of one image after the other: fuse, make masks of each band of rows, join them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from ensemble.fusion.ensembles import Ensemble, PreparedImage
from ensemble.fusion.fused_maps import BandMasks
from ensemble.maps.masks import Band
from ensemble.maps.uncertainty import Uncertainty
from ensemble.runs.rle import Runs
from ensemble.streaming import Stripes, ordered_map, stepwise_map

# Threads that make masks of fused maps, on a GPU each of an image of its own.
ENCODERS = 2

Key = TypeVar("Key")

# What is made of a band, with its uncertainty if anybody asked for it.
_Encoded = tuple[Key, Band, BandMasks, Uncertainty | None]


@dataclass(frozen=True, slots=True)
class ImageMasks(Generic[Key]):
    """Runs per class of an image of (H, W) = `size`, which its `key` tells from others.

    `uncertainty` (H, W): of each pixel, None if nobody asked for it.
    """

    key: Key
    size: tuple[int, int]
    runs: list[Runs]
    uncertainty: Uncertainty | None = None


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

    Members go through `round_size` images in one turn; beside a GPU `ahead` fused bands wait to be
    masks.
    """
    bands = _fused(ensemble, images, round_size)
    masks = _between(ensemble, bands) if ensemble.on_cpu else _beside(ensemble, bands, ahead)
    parts: list[BandMasks] = []
    unsure: list[Uncertainty] = []
    for key, band, part, rows in masks:
        parts.append(part)
        if rows is not None:
            unsure.append(rows)
        if band.is_last:
            uncertainty = np.concatenate(unsure) if unsure else None
            yield ImageMasks(key, band.size, ensemble.join(parts, band.size), uncertainty)
            parts, unsure = [], []


def _between(ensemble: Ensemble, bands: Iterable[tuple[Key, Band]]) -> Iterator[_Encoded[Key]]:
    """Masks of each band before the next is fused, its classes shared among threads."""
    with Stripes(ENCODERS) as stripes:
        for key, band in bands:
            masks = ensemble.masks(band, mapper=stripes.map)
            yield key, band, masks, ensemble.unsure(band, mapper=stripes.map)


def _beside(
    ensemble: Ensemble, bands: Iterable[tuple[Key, Band]], ahead: int
) -> Iterator[_Encoded[Key]]:
    """Masks of bands while the next ones are fused."""

    def encode(item: tuple[Key, Band]) -> _Encoded[Key]:
        return *item, ensemble.masks(item[1]), ensemble.unsure(item[1])

    return ordered_map(encode, bands, threads=ENCODERS, ahead=ahead)


def _fused(
    ensemble: Ensemble, images: Iterable[tuple[Key, PreparedImage]], round_size: int
) -> Iterator[tuple[Key, Band]]:
    """Key and fused maps of each image, band by band."""
    source = iter(images)
    while together := list(islice(source, round_size)):
        for index, band in ensemble.fuse([image for _, image in together]):
            yield together[index][0], band
