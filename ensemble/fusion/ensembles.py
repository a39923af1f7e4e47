"""Several members that answer as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import ConfigError, DeviceMemoryError, WeightsError
from ensemble.fusion.fused_maps import (
    BandMasks,
    FusedMaps,
    FusedRows,
    MemberShare,
    fused_masks,
    plan_shares,
)
from ensemble.fusion.inference import MAPS_VERSION, Pixels, soft_map, windows_over
from ensemble.fusion.residency import Residency, Turn, load_in_turns, resident
from ensemble.fusion.weights import FusionWeights, match_members, uniform_weights
from ensemble.fusion.weights_file import read_weights
from ensemble.fusion_space import FusionSpace
from ensemble.images.reading import Image
from ensemble.maps.masks import Band, join_bands, whole_image
from ensemble.maps.uncertainty import (
    Uncertainty,
    UncertaintyKind,
    band_disagreement,
    band_entropy,
)
from ensemble.maps.views import format_views, parse_views
from ensemble.maps.windows import order_rows
from ensemble.members.manifest import InputSpec
from ensemble.members.member import PLAIN, Member, RunOptions
from ensemble.members.preprocess import prepare_image
from ensemble.members.roster import find_members, merge_class_lists
from ensemble.runs.rle import Runs
from ensemble.streaming import Mapper


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """What is left of a decoded image of (H, W) = `size`: the pixels that each input looks at."""

    size: tuple[int, int]
    pixels: Mapping[InputSpec, Pixels]


@dataclass(frozen=True, slots=True)
class _Part:
    member: Member
    share: MemberShare

    @property
    def input(self) -> InputSpec:
        return self.member.manifest.input


class Ensemble:
    """Members with weights and views: answers an image with the masks of its classes.

    `weights` decides which members take part and in which order; members that weigh nothing for
    any class are left out. Classes follow the members' class list, whatever the order of the
    weights. `residency` says which members are loaded together, by default all. With `uncertainty`
    masks come with that of each pixel; disagreement is of probabilities. Raises WeightsError or
    MemberError where the parts do not fit.

    An image goes through in three steps, which may run in different threads: `prepare` it, `fuse`
    what the members say of it, one band of rows after the other, and make `masks` of each band.
    """

    def __init__(
        self,
        members: Sequence[Member],
        weights: FusionWeights,
        *,
        views: str | None = None,
        residency: Residency | None = None,
        uncertainty: UncertaintyKind | None = None,
    ) -> None:
        ordered = match_members(weights, members)
        classes = merge_class_lists(ordered)
        self.weights = weights.for_classes(classes.names)
        self.views = parse_views(weights.views if views is None else views)
        self.exclusive = classes.exclusive
        if self.exclusive and self.weights.filters:
            raise WeightsError(
                "classes that exclude each other have no filters: pixels would be left without one",
                remedy="delete filter from the weights file",
            )
        shares = plan_shares(self.weights, [member.manifest.class_list for member in ordered])
        parts = [_Part(m, share) for m, share in zip(ordered, shares, strict=True) if len(share)]
        self._parts = parts
        self._turns = _parts_in_turns(parts, residency.turns if residency else [tuple(ordered)])
        self.uncertainty = uncertainty
        if uncertainty == "disagreement":
            _check_disagreement(self.weights.space, [part.member.name for part in parts])
        self._takes_turns = residency is not None and len(residency.turns) > 1
        self.measured_bytes = residency.peak_bytes if residency else 0
        self._windowed = [part for part in parts if part.input.window is not None]

    @property
    def members(self) -> list[Member]:
        """The members that take part, in the order of the weights."""
        return [part.member for part in self._parts]

    @property
    def on_cpu(self) -> bool:
        """Whether the networks run where everything else does."""
        return self._parts[0].member.device.type == "cpu"

    @property
    def num_turns(self) -> int:
        """In how many turns the members are loaded."""
        return len(self._turns)

    def predict(self, image: Image) -> list[Runs]:
        """Masks of an image: runs, one entry a class in the order of `weights.class_names`.

        Members that take turns are loaded anew for it: for many images use `fuse`.
        """
        bands = self.fuse([self.prepare(image)])
        return self.join([self.masks(band) for _, band in bands], (image.shape[0], image.shape[1]))

    def prepare(self, image: Image) -> PreparedImage:
        """Bring an image to the inputs of all members, each different one once."""
        inputs = {part.input for part in self._parts}
        pixels = {spec: prepare_image(image, spec) for spec in inputs}
        return PreparedImage((image.shape[0], image.shape[1]), pixels)

    def fuse(self, images: Sequence[PreparedImage]) -> Iterator[tuple[int, Band]]:
        """Fused maps of images, by index, one after the other and each from top to bottom.

        An image is a single band where no member has windows. Where members take turns, a turn goes
        through all of the images, whose sums are held meanwhile: C h w float32 a grid and image.
        """
        num_classes, squares = len(self.weights.class_names), self.uncertainty == "disagreement"
        sums = {i: FusedMaps(num_classes, squares=squares) for i in range(len(images))}
        *early, last = self._turns
        for turn in early:
            with resident([part.member for part in turn]):
                for index, image in enumerate(images):
                    self._add(sums[index], image, turn)
                    sums[index].to_cpu()
        with resident([part.member for part in last]) if self._takes_turns else nullcontext():
            for index, image in enumerate(images):
                fused = sums.pop(index)
                self._add(fused, image, last)
                for band in self._bands(image, fused):
                    yield index, band

    def _add(self, fused: FusedMaps, image: PreparedImage, turn: Sequence[_Part]) -> None:
        for part in turn:
            if part.input.window is None:
                pixels = image.pixels[part.input]
                maps = soft_map(part.member, pixels, self.views, self.weights.space)
                fused.add(maps, part.share)

    def _bands(self, image: PreparedImage, fused: FusedMaps) -> Iterator[Band]:
        whole = whole_image(fused.result(), image.size)
        whole = replace(whole, squares=tuple(fused.squares()))
        if not self._windowed:
            yield whole
            return
        top = 0
        for rows, *squares in self._fuse_windows(image):
            end = top + rows.shape[1]
            yield replace(
                whole,
                maps=(*whole.maps, rows),
                rows=(top, end),
                tops=(*whole.tops, top),
                heights=(*whole.heights, image.size[0]),
                squares=(*whole.squares, *squares),
            )
            top = end

    def _fuse_windows(self, image: PreparedImage) -> Iterator[list[NDArray[np.float32]]]:
        """Rows (C, n, W) of the windowed members' weighted sum, as soon as no window adds to them.

        For disagreement those of the squares stand behind them. Rows of windows are looked at in
        the order of their tops, whichever member they are of.
        """
        windows = [windows_over(part.input, image.size) for part in self._windowed]
        tallest = max(part.input.size[0] for part in self._windowed)
        fused, *squares = (
            FusedRows(
                len(self.weights.class_names),
                min(tallest, image.size[0]),
                image.size[1],
                self._windowed[0].member.device,
            )
            for _ in range(2 if self.uncertainty == "disagreement" else 1)
        )
        for look in order_rows([each.starts for each in windows], image.size[0]):
            part = self._windowed[look.plan]
            pixels, space = image.pixels[part.input], self.weights.space
            pieces = windows[look.plan].look(part.member, pixels, look.row, self.views, space)
            for piece in pieces:
                fused.add(piece, part.share)
                for rows in squares:
                    rows.add(piece.squared(), part.share)
            if look.end > fused.top:
                yield [rows.take(look.end) for rows in (fused, *squares)]

    def masks(self, band: Band, *, mapper: Mapper = map) -> BandMasks:
        """Masks of a band of rows, one entry a class."""
        return fused_masks(band, self.weights, exclusive=self.exclusive, mapper=mapper)

    def unsure(self, band: Band, *, mapper: Mapper = map) -> Uncertainty | None:
        """The uncertainty (n, W) of each pixel of a band; None if nobody asked for it."""
        if self.uncertainty is None:
            return None
        if self.uncertainty == "disagreement":
            return band_disagreement(band, mapper=mapper)
        space = self.weights.space
        return band_entropy(band, space, exclusive=self.exclusive, mapper=mapper)

    def join(self, bands: Sequence[BandMasks], size: tuple[int, int]) -> list[Runs]:
        """Masks of an image of (H, W) = size from those of its bands, filtered class by class."""
        masks = join_bands([band.runs for band in bands])
        if not self.weights.filters:
            return masks
        sure_px = np.sum([band.sure_px for band in bands], axis=0).tolist()
        filters = zip(self.weights.filters, masks, sure_px, strict=True)
        return [each.apply(runs, size, sure) for each, runs, sure in filters]

    def settings(self) -> dict[str, Any]:
        """All that the masks of an image depend on, in plain types."""
        return {
            "members": [part.member.sha256 for part in self._parts],
            "classes": list(self.weights.class_names),
            "weights": self.weights.weights.tolist(),
            "thresholds": self.weights.thresholds.tolist(),
            "filters": [asdict(each) for each in self.weights.filters],
            "space": self.weights.space,
            "views": format_views(self.views),
            "precision": sorted({member.precision for member in self.members}),
            "maps_version": MAPS_VERSION,
        } | ({"uncertainty": self.uncertainty} if self.uncertainty else {})


def _parts_in_turns(parts: Sequence[_Part], turns: Sequence[Turn]) -> list[list[_Part]]:
    """The parts by turn, the turn with windows last: what it adds is not held for all images.

    Raises DeviceMemoryError for windows in more than one turn.
    """
    by_turn = [[part for part in parts if part.member in turn] for turn in turns]
    by_turn = sorted((turn for turn in by_turn if turn), key=_has_windows)
    early = [part for turn in by_turn[:-1] for part in turn if part.input.window is not None]
    if early:
        raise DeviceMemoryError(
            "members with windows must fit together",
            got=", ".join(part.member.name for part in early),
            remedy="raise --max-memory, or predict with fewer of them",
        )
    return by_turn


def _check_disagreement(space: FusionSpace, members: Sequence[str]) -> None:
    """Raise ConfigError where members cannot disagree, or say logits."""
    if space == "logit":
        raise ConfigError(
            "disagreement is that of probabilities, and logits are averaged here",
            remedy="use --fuse prob, or --uncertainty-of entropy",
        )
    if len(members) < 2:
        raise ConfigError(
            "disagreement needs two members or more",
            got=", ".join(members),
            remedy="use --uncertainty-of entropy",
        )


def _has_windows(parts: Sequence[_Part]) -> bool:
    return any(part.input.window is not None for part in parts)


def load_ensemble(
    members: Sequence[str] = (),
    weights_file: Path | None = None,
    *,
    views: str | None = None,
    space: FusionSpace | None = None,
    options: RunOptions = PLAIN,
    uncertainty: UncertaintyKind | None = None,
) -> Ensemble:
    """Find members by their specs, load them, and fuse them by a weights file or uniformly.

    Without specs: the members of the weights file, or all of members/. `views` and `space`
    override the weights file. Members that do not fit together take turns.
    """
    weights = None if weights_file is None else read_weights(weights_file)
    parsed = parse_views(views if views is not None else weights.views if weights else "")
    paths = find_members(members or (weights.members if weights else ()))
    residency = load_in_turns(paths, parsed, options)
    weights = weights or uniform_weights(residency.members)
    return Ensemble(
        residency.members,
        replace(weights, space=space or weights.space),
        views=views,
        residency=residency,
        uncertainty=uncertainty,
    )
