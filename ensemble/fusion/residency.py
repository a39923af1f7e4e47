"""Which members are on a device together, and what they take there: measured, not guessed.

Every member is loaded and rehearsed on a blank input. One that does not fit beside those before it
begins a new turn: then the members of a turn are loaded for a round of images, give way to those of
the next, and are loaded again from their files for the next round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ensemble.byte_sizes import format_bytes
from ensemble.errors import DeviceMemoryError
from ensemble.fusion.inference import soft_map, windows_over
from ensemble.maps.views import View
from ensemble.members.exactness import compute_exactly
from ensemble.members.member import Member, RunOptions, load_member
from ensemble.members.roster import check_names, choose_device
from ensemble.memory import give_back, keep_freed_memory, measured

Turn = tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Residency:
    """The members in turns, and the most bytes that the device held in a rehearsal (0: unknown)."""

    turns: tuple[Turn, ...]
    peak_bytes: int

    @property
    def members(self) -> list[Member]:
        """All members, in the order in which they were given."""
        return [member for turn in self.turns for member in turn]


def load_in_turns(paths: Sequence[Path], views: tuple[View, ...], options: RunOptions) -> Residency:
    """Load members, in as few turns as their order allows; those of a single turn stay loaded.

    Raises DeviceError for the device, DeviceMemoryError for a member that does not even fit alone,
    MemberError as `load_member` does and for two members of one name.
    """
    compute_exactly()
    keep_freed_memory()
    device = choose_device(options.device)
    turns: list[list[Member]] = [[]]
    peak = 0
    for path in paths:
        loaded = _load(path, device, views, options)
        if isinstance(loaded, DeviceMemoryError) and turns[-1]:
            _release(turns[-1])
            turns.append([])
            loaded = _load(path, device, views, options)
        if isinstance(loaded, DeviceMemoryError):
            raise loaded
        member, used = loaded
        turns[-1].append(member)
        peak = max(peak, used)
    check_names([member for turn in turns for member in turn])
    if len(turns) > 1:
        _release(turns[-1])
    return Residency(tuple(tuple(turn) for turn in turns), peak)


@contextmanager
def resident(turn: Sequence[Member]) -> Iterator[None]:
    """The members of a turn are loaded inside; those that were not before are released after."""
    absent = [member for member in turn if not member.is_loaded]
    try:
        for member in absent:
            member.restore()
        yield
    finally:
        _release(absent)


def rehearse(member: Member, views: tuple[View, ...]) -> None:
    """Put a blank image through the member under every view, as wide as its windows at once."""
    spec = member.manifest.input
    height, width = spec.size
    if spec.window is None:
        soft_map(member, np.zeros((height, width, spec.channels), np.uint8), views, "prob")
        return
    size = (height, width * member.at_once)
    pixels = np.zeros((*size, spec.channels), np.uint8)
    for _ in windows_over(spec, size).look(member, pixels, 0, views, "prob"):
        pass


def _load(
    path: Path, device: torch.device, views: tuple[View, ...], options: RunOptions
) -> tuple[Member, int] | DeviceMemoryError:
    """A loaded member and the most bytes held while it was rehearsed, or what it did not fit.

    The error is a new one and is not raised here: the one that was caught, and its causes, keep the
    frames and with them the tensors that did not fit.
    """
    loaded: list[Member] = []
    try:
        loaded.append(load_member(path, device, options))
        with measured(device) as usage:
            rehearse(loaded[0], views)
        peak, fault = usage.peak, ""
    except DeviceMemoryError as error:
        peak, fault = 0, str(error)
    if fault:
        _release(loaded)
        give_back(device)
        return DeviceMemoryError(fault)
    if options.max_bytes is None or peak <= options.max_bytes:
        return loaded[0], peak
    _release(loaded)
    return DeviceMemoryError(
        f"{loaded[0].name} does not fit",
        expected=f"at most {format_bytes(options.max_bytes)}",
        got=format_bytes(peak),
        remedy="raise --max-memory"
        + (", or drop the larger scales of --tta" if any(view.scale > 1 for view in views) else ""),
    )


def _release(members: Sequence[Member]) -> None:
    for member in members:
        member.release()
