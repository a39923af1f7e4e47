"""The soft maps of members for images, computed once, kept on disk, read class by class."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.data.datasets import Sample
from ensemble.files.checksum import file_sha256
from ensemble.fusion.ensembles import Ensemble, PreparedImage
from ensemble.fusion.mask_stream import side_map
from ensemble.fusion.residency import resident
from ensemble.fusion.soft_maps import (
    MapScale,
    QuantisedMap,
    SoftMapCache,
    SoftMapKey,
    StoredMap,
    scale_of,
)
from ensemble.fusion.weights import uniform_weights
from ensemble.fusion_space import FusionSpace
from ensemble.images.reading import read_image, reading
from ensemble.maps.views import format_views, parse_views
from ensemble.members.member import Member
from ensemble.progress import Progress
from ensemble.tuning.class_plan import ClassMaps, ClassPlan
from ensemble.tuning.sources import Source

# Threads that decode images ahead of a network, and images that wait for it.
_DECODERS = 2


class StoredMaps:
    """Sources that answer an image with quantised soft maps.

    `scale` is that of their fusion space. A member is loaded only to compute what the cache lacks,
    and one at a time.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        views: str,
        cache: SoftMapCache,
        *,
        space: FusionSpace = "prob",
    ) -> None:
        self.sources = tuple(sources)
        self.views = views
        self._view_names = format_views(parse_views(views))
        is_exclusive = sources[0].members[0].manifest.class_list.exclusive
        self.scale = scale_of(space, exclusive=is_exclusive)
        self._cache = cache
        self._sha256s: dict[Path, str] = {}
        self._taken: dict[str, dict[Path, float]] = {source.name: {} for source in sources}

    @property
    def seconds(self) -> NDArray[np.float64]:
        """(M,): what an image takes all members of a source, the median of those read so far."""
        medians = [np.median(list(self._taken[source.name].values())) for source in self.sources]
        return np.array(medians) * [len(source.members) for source in self.sources]

    def for_members(self, kept: Sequence[int]) -> StoredMaps:
        """The same for some of the sources."""
        return self.of([self.sources[m] for m in kept])

    def of(self, sources: Sequence[Source]) -> StoredMaps:
        """The same for other sources."""
        other = StoredMaps(sources, self.views, self._cache, space=self.scale.space)
        other._sha256s = self._sha256s
        other._taken = {source.name: self._taken.get(source.name, {}) for source in sources}
        return other

    def fill(self, samples: Sequence[Sample], *, progress: Progress) -> None:
        """Compute what the cache lacks of these images, each entry kept as soon as it is there.

        Raises ImageError for one that cannot be read, OutputError where the cache cannot take it.
        """
        lacking = [
            (member, [each for each in samples if self._is_lacking(source, member, each)])
            for source in self.sources
            for member in source.members
        ]
        total = sum(len(images) for _, images in lacking)
        if not total:
            return
        with progress("soft maps", total) as advance:
            for member, todo in lacking:
                for _ in self._compute(member, [sample.image for sample in todo]):
                    advance(1)

    def by_class(self, sample: Sample, plan: ClassPlan) -> Iterator[ClassMaps]:
        """For each class of the plan the maps (h_m, w_m) of the sources, None where one lacks it.

        Entries must be there (`fill`); one that was damaged meanwhile is computed again.
        """
        with ExitStack() as stack:
            entries = [stack.enter_context(self._open(source, sample)) for source in self.sources]
            for row in plan.channels:
                yield [
                    None if channel is None else entry[channel]
                    for channel, entry in zip(row, entries, strict=True)
                ]

    def _is_lacking(self, source: Source, member: Member, sample: Sample) -> bool:
        is_asked = source.member_for(sample) is member
        return is_asked and self._key(member, sample.image) not in self._cache

    def _open(self, source: Source, sample: Sample) -> StoredMap:
        member = source.member_for(sample)
        entry = self._cache.open(self._key(member, sample.image))
        if entry is None:
            (entry,) = self._compute(member, [sample.image])
        self._taken[source.name][sample.image] = entry.seconds
        return entry

    def _compute(self, member: Member, images: Sequence[Path]) -> Iterator[StoredMap]:
        """Soft maps of images, put into the cache; the member is loaded meanwhile."""
        if not images:
            return
        weights = uniform_weights([member], views=self.views, space=self.scale.space)
        alone = Ensemble([member], weights)
        with resident([member]):
            prepared = side_map(alone)(
                lambda image: alone.prepare(read_image(image)),
                images,
                threads=_DECODERS,
                ahead=_DECODERS,
            )
            for image, pixels in zip(images, prepared, strict=True):
                start = time.monotonic()
                maps = quantised_map(alone, pixels, self.scale)
                seconds = time.monotonic() - start
                self._cache.put(self._key(member, image), maps, seconds=seconds)
                yield StoredMap(maps, seconds)

    def _key(self, member: Member, image: Path) -> SoftMapKey:
        if image not in self._sha256s:
            with reading(image):
                self._sha256s[image] = file_sha256(image)
        sha256 = self._sha256s[image]
        return SoftMapKey(member.sha256, sha256, self._view_names, self.scale.space)


def quantised_map(alone: Ensemble, image: PreparedImage, scale: MapScale) -> QuantisedMap:
    """The map (C, h, w) of an ensemble of one, quantised band by band where it has windows."""
    bands = [scale.quantise(band.maps[0]) for _, band in alone.fuse([image])]
    return np.concatenate(bands, axis=1)
