"""What a prediction is going to do and to take, stated before it begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ensemble.byte_sizes import format_bytes
from ensemble.cores import num_cores
from ensemble.data.datasets import ImageFolder
from ensemble.errors import DeviceMemoryError, ImageError
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.mask_stream import ENCODERS
from ensemble.images.reading import image_size
from ensemble.members.manifest import InputSpec
from ensemble.memory import process_bytes
from ensemble.wording import counted

# Threads that decode and prepare images, and the images that they are ahead of the networks.
DECODERS = min(4, num_cores())
_DECODED = 4
# Images that are held, with their sums, while members take turns, as far as this memory allows.
_MAX_ROUND, _ROUND_BYTES = 64, 2**30
# Images whose headers are looked at for the largest.
_LOOKED_AT = 16
_FLOAT32 = 4
# Three channels as read, and once more in another order.
_DECODED_BYTES_A_PIXEL = 6


@dataclass(frozen=True, slots=True)
class Held:
    """Images that are in memory at a time: `decoded` wait for the networks, `encoded` to be masks;
    members go through `round_size` of them in one turn.
    """

    decoded: int
    encoded: int
    round_size: int


@dataclass(frozen=True, slots=True)
class PredictionPlan:
    """What `held` takes: bytes expected at the peak, of the process and, on CUDA, of its tensors on
    the device (0: not known).
    """

    summary: str
    grids: tuple[str, ...]
    held: Held
    memory_bytes: int
    device_bytes: int

    def lines(self) -> list[str]:
        """The plan for people."""
        memory = f"{format_bytes(self.memory_bytes)} of memory" if self.memory_bytes else "unknown"
        if self.device_bytes:
            memory += f", {format_bytes(self.device_bytes)} on the device"
        return [self.summary, f"grids {'; '.join(self.grids)}; expected peak {memory}"]


def plan_prediction(
    ensemble: Ensemble, images: ImageFolder, max_bytes: int | None = None
) -> PredictionPlan:
    """Plan for images like the largest of some, spread over the folder.

    Raises DeviceMemoryError where a CPU would need more than `max_bytes`; fewer images then wait.
    """
    step = max(len(images.samples) // _LOOKED_AT, 1)
    size = _largest([sample.image for sample in images.samples[::step]])
    base = max(ensemble.measured_bytes, process_bytes()) if ensemble.on_cpu else process_bytes()
    base += DECODERS * _DECODED_BYTES_A_PIXEL * size[0] * size[1]
    input_bytes, map_bytes, needed = _input_bytes(ensemble, size), _map_bytes(ensemble, size), 0
    for held in _choices(ensemble, input_bytes + map_bytes):
        needed = base + (held.decoded + held.round_size) * input_bytes
        needed += (held.encoded + held.round_size) * map_bytes
        if max_bytes is None or not ensemble.on_cpu or needed <= max_bytes:
            return PredictionPlan(
                summary=_summary(ensemble),
                grids=_grids(ensemble),
                held=held,
                memory_bytes=needed,
                device_bytes=0 if ensemble.on_cpu else ensemble.measured_bytes,
            )
    raise DeviceMemoryError(
        f"images of {size[0]} x {size[1]} need more memory",
        expected=f"at most {format_bytes(max_bytes or 0)}",
        got=format_bytes(needed),
        remedy="raise --max-memory",
    )


def _choices(ensemble: Ensemble, image_bytes: int) -> Iterator[Held]:
    """How many images to hold, from the fastest choice to the one that takes the least memory."""
    round_size = min(max(_ROUND_BYTES // image_bytes, 1), _MAX_ROUND)
    if ensemble.num_turns == 1:
        round_size = 1
    # beside a GPU one image more than threads, so that none waits for the next
    yield Held(_DECODED, 1 if ensemble.on_cpu else ENCODERS + 1, round_size)
    while round_size > 1:
        yield Held(1, 1, round_size)
        round_size //= 2
    yield Held(1, 1, 1)


def _largest(images: Sequence[Path]) -> tuple[int, int]:
    sizes = [(1, 1)]
    for path in images:
        try:
            sizes.append(image_size(path))
        except ImageError:
            continue  # it is named with all others when its turn comes
    return max(sizes, key=lambda size: size[0] * size[1])


def _inputs(ensemble: Ensemble) -> set[InputSpec]:
    return {member.manifest.input for member in ensemble.members}


def _input_bytes(ensemble: Ensemble, size: tuple[int, int]) -> int:
    """Bytes of an image as all inputs look at it."""
    return sum(
        (spec.size[0] * spec.size[1] if spec.window is None else size[0] * size[1]) * spec.channels
        for spec in _inputs(ensemble)
    )


def _map_bytes(ensemble: Ensemble, size: tuple[int, int]) -> int:
    """Bytes of the fused maps of an image on all grids, and of the rows that windows hold."""
    resized = {spec.size for spec in _inputs(ensemble) if spec.window is None}
    pixels = sum(height * width for height, width in resized)
    tall = [spec.size[0] for spec in _inputs(ensemble) if spec.window is not None]
    # rows are held once more while what is taken from them is copied
    pixels += 2 * max(tall, default=0) * size[1]
    kinds = 2 if ensemble.uncertainty == "disagreement" else 1  # squares are summed as well
    return kinds * _FLOAT32 * len(ensemble.weights.class_names) * pixels


def _summary(ensemble: Ensemble) -> str:
    members = ensemble.members
    turns = f" in {ensemble.num_turns} turns" if ensemble.num_turns > 1 else ""
    at_once = f", {members[0].at_once} inputs at once" if members[0].at_once > 1 else ""
    return (
        f"{counted(len(members), 'member')}{turns} on {members[0].device}, {members[0].precision}, "
        f"{counted(len(ensemble.views), 'view')}{at_once}"
    )


def _grids(ensemble: Ensemble) -> tuple[str, ...]:
    counts = Counter(
        f"{spec.size[0]} x {spec.size[1]}{' windows' if spec.window else ''}"
        for spec in (member.manifest.input for member in ensemble.members)
    )
    return tuple(f"{grid} ({count})" for grid, count in counts.items())
