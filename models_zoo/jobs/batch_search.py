"""`batch: auto`: the largest batch that fits and is worth it, found by a few steps of training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ensemble.data.datasets import LabelledFolder
from ensemble.errors import ConfigError, DeviceError
from ensemble.files.whole_file import whole_file
from ensemble.free_memory import free_memory_bytes
from ensemble.members.networks import build_network
from ensemble.memory import give_back, is_out_of_memory
from ensemble.wording import counted
from models_zoo.jobs.trial_steps import StepCost, try_steps
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.settings.network_check import asked_share, needs_larger_batch, takes_share

# In the folder of a member's state: a run that goes on takes the batch with which it began.
BATCH_FILE = "batch.json"

# Of the free memory: validation, and what is allocated in other pieces, take the rest.
_SHARE_OF_FREE = 0.9
# A batch twice as large must learn from so many times as many images a second.
_LEAST_GAIN = 1.05
# Steps that an epoch has at least, in batches of 4 or more: fewer would leave too few updates of
# the weights, and smaller batches too few values for BatchNorm's statistics.
_LEAST_STEPS = 8
_SMALL_BATCH = 4


@dataclass(frozen=True, slots=True)
class Trial:
    """A batch that fits, and how many images a second it learns from."""

    batch: int
    items_per_s: float


def find_batch(try_batch: Callable[[int], Trial | None], most: int) -> Trial | None:
    """The best batch up to `most`; `try_batch` answers None for one that does not fit.

    Doubled from 2 as long as that gains; then, if memory was the limit, half of the step is tried.
    None where not even 1 fits.
    """
    best = try_batch(min(2, most)) or try_batch(1)
    if best is None or best.batch == 1:
        return best
    while 2 * best.batch <= most:
        larger = try_batch(2 * best.batch)
        if larger is None:
            between = try_batch(best.batch + best.batch // 2)
            return best if between is None or not _gains(best, between) else between
        if not _gains(best, larger):
            return best
        best = larger
    return best


def _gains(best: Trial, larger: Trial) -> bool:
    return larger.items_per_s >= _LEAST_GAIN * best.items_per_s


def settle_batch(
    spec: MemberSpec, train: LabelledFolder, device: torch.device, state: Path | None = None
) -> MemberSpec:
    """A spec with the batch that training takes: no more than there are images to learn from.

    For `batch: auto` that of the state folder, or found and noted there. Raises DeviceError where
    no batch fits, ConfigError for a network that does not learn from as few images as there are.
    """
    _check_enough(spec, train)
    if spec.batch != "auto":
        most = max(_num_items(spec, train) // spec.devices, 1) * spec.devices
        return spec.model_copy(update={"batch": min(spec.batch, most)})
    batch = None if state is None else _read(state / BATCH_FILE)
    if batch is None:
        batch = _search(spec, train, device).batch
        if state is not None:
            with whole_file(state / BATCH_FILE) as part:
                part.write_text(json.dumps({"batch": batch}), encoding="utf-8")
    return spec.model_copy(update={"batch": batch})


def _check_enough(spec: MemberSpec, train: LabelledFolder) -> None:
    """Raise ConfigError where batches, for want of images, are smaller than the network takes."""
    share = _num_items(spec, train) // spec.devices
    if share < asked_share(spec) and not (share and takes_share(spec, share)):
        raise ConfigError(
            f"{spec.arch} does not learn from batches of {share}",
            where=spec.full_name,
            got=counted(len(train.samples), "training image"),
            remedy="give it more images, or take another architecture or size",
        )


def _num_items(spec: MemberSpec, train: LabelledFolder) -> int:
    """What an epoch learns from: images, or their windows."""
    return len(train.samples) * (spec.window.crops if spec.window else 1)


def _search(spec: MemberSpec, train: LabelledFolder, device: torch.device) -> Trial:
    items = _num_items(spec, train)
    peaks: dict[int, int] = {}

    def try_batch(batch: int) -> Trial | None:
        tried = spec.model_copy(update={"batch": batch})
        cost = _cost(tried, train, device, _extrapolated(peaks, batch))
        if cost is None:
            return None
        peaks[batch] = cost.peak_bytes
        return Trial(batch, batch / cost.step_s)

    found = find_batch(try_batch, max(items // _LEAST_STEPS, min(_SMALL_BATCH, items)))
    if found is None:
        raise DeviceError(
            f"{device} has not enough memory for the smallest batch of {spec.arch} at "
            f"{spec.size[0]} x {spec.size[1]}",
            where=spec.full_name,
            remedy="set a smaller size, or checkpointing: encoder",
        )
    return found


def _extrapolated(peaks: Mapping[int, int], batch: int) -> float:
    """Bytes that a batch will take, along the line of the two largest that were tried; 0 before.

    So that none is tried which a system without mercy would end.
    """
    if len(peaks) < 2:
        return 0.0
    (less, low), (more, high) = sorted(peaks.items())[-2:]
    return high + (high - low) / (more - less) * (batch - more)


def _cost(
    spec: MemberSpec, train: LabelledFolder, device: torch.device, expected_bytes: float
) -> StepCost | None:
    """What a few steps take; None if memory does not suffice for them with room to spare, which is
    not tried where that is expected, or where a batch of 1 is refused.
    """
    give_back(device)
    free = _free_bytes(device)
    if expected_bytes > _SHARE_OF_FREE * free:
        return None
    network = build_network(spec.network, in_channels=spec.channels, num_classes=len(train.classes))
    try:
        cost = try_steps(network, spec, train, device)
    except (RuntimeError, ValueError) as error:
        if is_out_of_memory(error) or needs_larger_batch(error):
            return None
        raise
    finally:
        del network
        give_back(device)
    return cost if cost.peak_bytes <= _SHARE_OF_FREE * free else None


def _free_bytes(device: torch.device) -> int:
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else free_memory_bytes()


def _read(path: Path) -> int | None:
    """The batch that an earlier run found; None without one, or where it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    batch = content.get("batch") if isinstance(content, dict) else None
    return batch if isinstance(batch, int) and batch >= 1 else None
