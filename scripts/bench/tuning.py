#!/usr/bin/env python3
"""How long tuning takes from cached soft maps: statistic, nested cross-validation, final fit.

Synthetic teeth: blurred, shifted and noisy copies of ellipses on three grids. Prints seconds of one
core, since other work on the machine would make wall time mean little, beside what a dense numpy
evaluation of the same objective costs. The last line is JSON.

    scripts/bench/tuning.py [--images 62] [--classes 32] [--size 512]
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time

import cv2
import numpy as np

from ensemble.bit_planes import Label, get_mask, pack
from ensemble.progress import silent
from ensemble.tuning.cross_validation import cross_validate
from ensemble.tuning.rules import ThresholdRange, spread
from ensemble.tuning.statistic import ClassMaps, DiceStatistic, StatisticBuilder

MEMBERS = ((192, 1.2), (224, 2.0), (256, 3.0))  # grid for images of 512 pixels, noise
TARGET_S = 180.0

Case = tuple[list[ClassMaps], Label]


def draw_case(rng: np.random.Generator, num_classes: int, size: int) -> Case:
    """One image: for each class its members' maps, and the label."""
    masks = np.zeros((num_classes, size, size), np.uint8)
    scale = size / 512
    maps: list[ClassMaps] = []
    for c, mask in enumerate(masks):
        centre = np.array([40 + c % 16 * 28, 180 + c // 16 * 140]) + rng.integers(-8, 9, 2)
        axes = rng.integers([12, 30], [16, 40])
        cv2.ellipse(
            mask,
            [int(value * scale) for value in centre],
            [int(value * scale) for value in axes],
            float(rng.normal(0, 8)), 0, 360, 1, -1,
        )  # fmt: skip
        maps.append([draw_map(rng, mask, int(g * scale), noise) for g, noise in MEMBERS])
    return maps, Label(pack(masks > 0))


def draw_map(rng: np.random.Generator, mask: np.ndarray, grid: int, noise: float) -> np.ndarray:
    """What a member would say: soft, shifted a little, wrong here and there near the outline."""
    soft = cv2.resize(mask.astype(np.float32), (grid, grid), interpolation=cv2.INTER_AREA)
    shift = np.array([[1, 0, rng.normal(0, noise / 2)], [0, 1, rng.normal(0, noise / 2)]])
    soft = cv2.GaussianBlur(cv2.warpAffine(soft, shift, (grid, grid)), (0, 0), 1.5)
    errors = cv2.GaussianBlur(rng.normal(0, 1, (grid, grid)).astype(np.float32), (0, 0), 4)
    logits = np.log((soft + 0.003) / (1 - soft + 0.003)) + 4 * noise * errors * (soft > 0.01)
    return np.rint(255 / (1 + np.exp(-logits))).astype(np.uint8)


def dense_evaluation_s(case: Case, num_classes: int) -> float:
    """Seconds for the Dice of one image under one vector, with every map at full size."""
    maps, label = case
    start = time.process_time()
    for c in range(num_classes):
        fused = sum(cv2.resize(plane.astype(np.float32), label.size[::-1]) for plane in maps[c])
        predicted, truth = fused > 3 * 127.5, get_mask(label.planes, c)
        _ = (2 * (predicted & truth).sum() + 1e-4) / (predicted.sum() + truth.sum() + 1e-4)
    return time.process_time() - start


def main() -> None:
    """Warm up on a small set, then measure each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=62)
    parser.add_argument("--classes", type=int, default=32)
    parser.add_argument("--size", type=int, default=512)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    cases = [draw_case(rng, args.classes, args.size) for _ in range(args.images)]
    run(cases[:4])

    statistic_s, fit_s, statistic = run(cases)
    rules = spread(np.full(3, 1 / 3), 0.5, statistic.present)
    start = time.process_time()
    statistic.dice(rules)
    evaluation_s = time.process_time() - start
    dense_s = dense_evaluation_s(cases[0], args.classes) * args.images
    total_s = statistic_s + fit_s
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(f"{args.images} images of {args.size} x {args.size}, {args.classes} classes, 3 members")
    print(f"statistic {statistic_s:.1f} s, {statistic.values.shape[1]:,} tuples")
    print(f"nested cross-validation and final fit {fit_s:.1f} s")
    print(f"one evaluation {evaluation_s * 1e3:.1f} ms, dense {dense_s * 1e3:.0f} ms")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    rows = [
        row("tuning from cached maps, s of one core", total_s, TARGET_S),
        row("one evaluation of the objective, s, against dense", evaluation_s, dense_s),
    ]
    print(json.dumps(rows))


def run(cases: list[Case]) -> tuple[float, float, DiceStatistic]:
    """Build the statistic and tune on it; seconds of each, and the statistic."""
    num_classes = len(cases[0][0])
    start = time.process_time()
    builder = StatisticBuilder(
        np.ones((num_classes, 3), bool), range(num_classes), ThresholdRange()
    )
    for case in cases:
        builder.add(*case)
    statistic = builder.result()
    built = time.process_time()
    groups = [str(i) for i in range(len(cases))]
    cross_validate(statistic, groups, num_folds=5, seed=0, progress=silent)
    return built - start, time.process_time() - built, statistic


def row(name: str, ours: float, against: float) -> dict[str, object]:
    """One line of the summary; it holds if ours is not above."""
    return {
        "name": name,
        "ours": round(ours, 4),
        "against": round(against, 4),
        "ratio": round(against / ours, 2),
        "target": 1.0,
        "holds": ours <= against,
    }


if __name__ == "__main__":
    main()
