"""Slow, obvious twins of the engine: plain loops and float64, to hold the fast code against."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.fusion.weights import FusionWeights
from ensemble.images.reading import Image
from ensemble.maps.views import View
from ensemble.members.member import Member
from ensemble.members.preprocess import prepare_image

PROB_FLOOR = 1e-4  # where logits are averaged


def rle_string(mask: NDArray[np.bool_], *, order: str = "row", base: int = 1) -> str:
    """Walk over the pixels one by one and note where foreground starts and how long it lasts."""
    pixels = mask.flatten(order="C" if order == "row" else "F")
    words: list[str] = []
    length = 0
    for index, pixel in enumerate([*pixels, False]):
        if pixel:
            length += 1
        elif length:
            words += [str(index - length + base), str(length)]
            length = 0
    return " ".join(words)


def dice(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """The graded metric of two masks."""
    return float((2 * (predicted & true).sum() + 1e-4) / (predicted.sum() + true.sum() + 1e-4))


def vote(masks: NDArray[np.bool_], weights: Sequence[float], threshold: float) -> NDArray[np.bool_]:
    """Pixels (H, W) whose share of the weight is above the threshold, in fractions, one by one."""
    exact = [Fraction(str(weight)) for weight in weights]
    limit = Fraction(str(threshold)) * sum(exact)
    won = np.zeros(masks.shape[1:], np.bool_)
    for place in np.ndindex(*won.shape):
        won[place] = sum(w for w, mask in zip(exact, masks, strict=True) if mask[place]) > limit
    return won


def interpolate(plane: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Bilinear, align_corners=False: pixel centres at (i + .5) / n, beyond them the border."""
    down = _interpolation_matrix(plane.shape[0], size[0])
    across = _interpolation_matrix(plane.shape[1], size[1])
    return down @ plane @ across.T


def _interpolation_matrix(source: int, target: int) -> NDArray[np.float64]:
    matrix = np.zeros((target, source))
    for i in range(target):
        place = (i + 0.5) * source / target - 0.5
        low = int(np.floor(place))
        for index, weight in ((low, 1 - (place - low)), (low + 1, place - low)):
            matrix[i, min(max(index, 0), source - 1)] += weight
    return matrix


def fused_map(
    members: Sequence[Member],
    weights: FusionWeights,
    views: Sequence[View],
    image: Image,
    power: int = 1,
) -> NDArray[np.float64]:
    """S (C, H, W) of an image by the formulas, every soft map interpolated to full size.

    `power`: of the soft maps before they are interpolated, of windows before they are averaged.
    """
    size = image.shape[:2]
    total = np.zeros((len(weights.class_names), *size))
    for m, member in enumerate(members):
        names = member.manifest.class_list.names
        soft = soft_map(member, views, image, weights.space, power)
        for c, name in enumerate(weights.class_names):
            if weights.weights[m, c] > 0:
                total[c] += weights.weights[m, c] * interpolate(soft[names.index(name)], size)
    return total / weights.weights.sum(0)[:, None, None]


def soft_map(
    member: Member, views: Sequence[View], image: Image, space: str, power: int = 1
) -> NDArray[np.float64]:
    """s (C, h, w) of a member: of the resized image, or put together from windows one by one."""
    spec = member.manifest.input
    pixels = prepare_image(image, spec).transpose(2, 0, 1) / 255.0
    if spec.window is None:
        return _mean_over_views(member, views, pixels, space) ** power
    (height, width), (h, w) = image.shape[:2], spec.size
    importance = _importance(h, spec.window.weighting)[:, None] * _importance(
        w, spec.window.weighting
    )
    total = np.zeros((len(member.manifest.class_list), *pixels.shape[1:]))
    weights = np.zeros(pixels.shape[1:])
    for y in _window_starts(pixels.shape[1], h, spec.window.overlap):
        for x in _window_starts(pixels.shape[2], w, spec.window.overlap):
            window = pixels[:, y : y + h, x : x + w]
            answer = _mean_over_views(member, views, window, space)
            total[:, y : y + h, x : x + w] += importance * answer**power
            weights[y : y + h, x : x + w] += importance
    return (total / weights)[:, :height, :width]


def _importance(size: int, weighting: str) -> NDArray[np.float64]:
    centred = np.arange(size) - (size - 1) / 2
    return np.ones(size) if weighting == "flat" else np.exp(-((centred / (size / 8)) ** 2) / 2)


def _window_starts(length: int, size: int, overlap: float) -> list[int]:
    count = 1
    while size + (count - 1) * size * (1 - overlap) < length - 1e-9:
        count += 1
    return [round(start) for start in np.linspace(0, length - size, count)]


def _mean_over_views(
    member: Member, views: Sequence[View], pixels: NDArray[np.float64], space: str
) -> NDArray[np.float64]:
    """Mean over views of intensities (ch, h, w) in 0..1, each taken and undone with numpy."""
    spec = member.manifest.input
    mean, std = (np.array(values)[:, None, None] for values in (spec.mean, spec.std))
    network = copy.deepcopy(member.network).double()
    maps = []
    for view in views:
        taken = _take(pixels, view, member.manifest.stride)
        answer = _forward(network, (taken - mean) / std)
        if member.manifest.class_list.exclusive:
            exponentials = np.exp(answer - answer.max(0))
            probs = exponentials / exponentials.sum(0)
            answer = probs if space == "prob" else np.log(np.maximum(probs, PROB_FLOOR))
        elif space == "prob":
            answer = 1 / (1 + np.exp(-answer))
        else:
            limit = np.log((1 - PROB_FLOOR) / PROB_FLOOR)
            answer = np.clip(answer, -limit, limit)
        answer = _undo(answer, view, pixels.shape[1:])
        if view.mirrored:
            answer = answer[list(member.manifest.class_list.mirror_permutation)]
        maps.append(answer)
    return np.mean(maps, axis=0)


def _forward(network: torch.nn.Module, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    with torch.no_grad():
        return network(torch.from_numpy(pixels.copy())[None])[0].numpy()


def _take(pixels: NDArray[np.float64], view: View, stride: int) -> NDArray[np.float64]:
    contrasted = pixels.mean() + view.contrast * (pixels - pixels.mean())
    pixels = np.clip(view.brightness * contrasted, 0, 1)
    if view.transpose:
        pixels = pixels.transpose(0, 2, 1)
    if view.flip_y:
        pixels = pixels[:, ::-1]
    if view.flip_x:
        pixels = pixels[:, :, ::-1]
    if view.scale == 1:
        return pixels
    size = tuple(max(round(n * view.scale / stride), 1) * stride for n in pixels.shape[1:])
    return _resize(pixels, size)


def _undo(maps: NDArray[np.float64], view: View, size: tuple[int, ...]) -> NDArray[np.float64]:
    maps = _resize(maps, size[::-1] if view.transpose else size)
    if view.flip_x:
        maps = maps[:, :, ::-1]
    if view.flip_y:
        maps = maps[:, ::-1]
    return maps.transpose(0, 2, 1) if view.transpose else maps


def _resize(maps: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float64]:
    """Triangle filter whose support grows with the factor of shrinking, axis by axis."""
    down, across = (_triangle(old, new) for old, new in zip(maps.shape[1:], size, strict=True))
    return np.einsum("yi,cij,xj->cyx", down, maps, across)


def _triangle(source: int, target: int) -> NDArray[np.float64]:
    ratio = source / target
    support = max(ratio, 1.0)
    matrix = np.zeros((target, source))
    for i in range(target):
        centre = (i + 0.5) * ratio
        distance = np.abs(np.arange(source) + 0.5 - centre) / support
        matrix[i] = np.maximum(1 - distance, 0)
    return matrix / matrix.sum(1, keepdims=True)


def label_sums(masks: NDArray[np.bool_], levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(C, 7): pixels, sums of y, x, y y, x y, x x and of levels of masks (C, H, W), one by one."""
    sums = np.zeros((len(masks), 7), np.int64)
    for c, y, x in np.argwhere(masks).tolist():
        sums[c] += [1, y, x, y * y, x * y, x * x, int(levels[y, x])]
    return sums


def cell_shares(mask: NDArray[np.bool_], grid: int) -> NDArray[np.float64]:
    """The share of each of (grid, grid) cells that a mask covers, every pixel cut into as many."""
    height, width = mask.shape
    fine = mask.repeat(grid, 0).repeat(grid, 1)
    return fine.reshape(grid, height, grid, width).mean((1, 3))


def confusion(
    true: NDArray[np.bool_], predicted: NDArray[np.bool_], ignored: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(C + 1, C + 1): hits on the diagonal, else pixels of a missed and an extra class.

    Masks (C, H, W); the last index stands for no class.
    """
    nothing = len(true)
    pixels = np.zeros((nothing + 1, nothing + 1), np.int64)
    for y, x in np.argwhere(~ignored).tolist():
        in_truth, found = (set(np.flatnonzero(masks[:, y, x])) for masks in (true, predicted))
        for c in in_truth & found:
            pixels[c, c] += 1
        missed, extra = in_truth - found, found - in_truth
        if missed or extra:
            for a in missed or {nothing}:
                for b in extra or {nothing}:
                    pixels[a, b] += 1
    return pixels


def surface_distances_px(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean symmetric and 95 % Hausdorff distance, every pair of surface pixels measured."""
    if not (a.any() and b.any()):
        return np.nan, np.nan
    distances = np.linalg.norm(_surface(a)[:, None] - _surface(b)[None], axis=2)
    there, back = distances.min(1), distances.min(0)
    worst = max(np.percentile(there, 95), np.percentile(back, 95))
    return float(np.concatenate([there, back]).mean()), float(worst)


def _surface(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(P, 2) pixels of a mask with a side outside of it."""
    padded = np.pad(mask, 1)
    sides = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    return np.argwhere(mask & ~np.all(sides, axis=0))
