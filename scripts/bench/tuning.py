"""Tuning of weights: how long it takes, how high it climbs, what it is worth where truth is known.

    python scripts/bench/tuning.py [--quick] [--images 160] [--xrays FOLDER]

Three parts. Time: images of 29 bones at 2048 x 2048, five members' soft maps read from a cache on
disk (there are 20 different images, read again and again), until rules with nested evidence stand.
Height: each class's objective against CMA-ES (`pip install -e '.[bench]'`) with 1,000 evaluations,
and against greedy selection with replacement (Caruana et al. 2004) with 50 rounds; with --xrays, a
folder in which `ens tune-weights` has run, on its real soft maps too. Worth: simulated members
(simulated_members.py), tuned on 40 images and scored on 300 that nothing saw; the oracle is fitted
on 300 others. Losses are in Dice.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cma
import numpy as np
from real_statistic import xray_statistic
from simulated_members import Scenario, draw_statistic, scenarios

from ensemble.bit_planes import Label, get_mask, pack
from ensemble.fusion.soft_maps import PROB_SCALE, QuantisedMap, SoftMapCache, SoftMapKey
from ensemble.progress import silent
from ensemble.tuning.candidates import Fitter
from ensemble.tuning.cross_validation import cross_validate
from ensemble.tuning.rules import ThresholdRange, spread
from ensemble.tuning.statistic import StatisticBuilder, TupleStatistic
from measure import Row, limit_row, machine, print_summary
from phantom_maps import phantom_masks, soft_maps

GRIDS = (512, 512, 448, 384, 384)
DIFFERENT, SIZE = 20, 2048
LIMIT_S, LIMIT_LOSS, LEAST_SHARE = 180.0, 0.0005, 0.8
EVALUATIONS, CMA_MARGIN, GREEDY_ROUNDS = 1000, 1e-4, 50
TUNED_ON, SCORED_ON, SEEDS = 40, 300, 20


def main() -> None:
    """Measure the parts one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few images and seeds, no figures")
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--xrays", type=Path, help="a folder with val/, members/ and .ens-cache/")
    options = parser.parse_args()
    images, seeds, referees = (10, 2, 2) if options.quick else (options.images, SEEDS, None)
    print(machine("numpy", "numba", "cma"))
    with tempfile.TemporaryDirectory() as folder:
        statistic, rows = time_rows(Path(folder), images)
    rows += referee_rows("phantom", statistic, referees)
    if options.xrays is not None:
        rows += referee_rows("X-rays", xray_statistic(options.xrays), referees)
    for name, scenario in scenarios().items():
        rows.append(worth_row(name, scenario, seeds))
    print_summary(rows)


def time_rows(folder: Path, num_images: int) -> tuple[TupleStatistic, list[Row]]:
    """Wall time from the cache to rules, memory, and an evaluation beside a dense one."""
    different = min(DIFFERENT, num_images)
    labels = [fill_cache(SoftMapCache(folder), number) for number in range(different)]
    tune(folder, labels[:2], 4)  # compile
    start = time.perf_counter()
    statistic, statistic_s = tune(folder, labels, num_images)
    total_s = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    objective = statistic.objective(np.arange(num_images))
    start = time.perf_counter()
    objective.score(np.full(len(GRIDS), 1 / len(GRIDS)), 0.5)
    evaluation_s = time.perf_counter() - start
    dense_s = dense_evaluation_s(read(SoftMapCache(folder), 0), labels[0]) * num_images
    print(
        f"{num_images} images: {statistic.values.shape[1]:,} tuples in {statistic_s:.0f} s, all "
        f"{total_s:.0f} s, peak {peak / 1e9:.1f} GB; an evaluation {evaluation_s:.3f} s, densely "
        f"with numpy {dense_s:.0f} s"
    )
    what = f"{num_images} images, {len(GRIDS)} members, nested cross-validation, s, against limit"
    return statistic, [
        limit_row(what, total_s, LIMIT_S),
        limit_row("peak memory, GB, against limit", peak / 1e9, 8),
        Row(
            "one evaluation, s, against dense numpy", evaluation_s, dense_s, dense_s / evaluation_s
        ),
    ]


def fill_cache(cache: SoftMapCache, number: int) -> Label:
    """Soft maps of one phantom image; its label."""
    masks = phantom_masks(number, SIZE)
    for m, grid in enumerate(GRIDS):
        maps = soft_maps(np.random.default_rng([number, m]), masks, grid)
        cache.put(SoftMapKey(f"{m}", f"{number}", ""), PROB_SCALE.quantise(maps))
    return Label(pack(masks > 0))


def read(cache: SoftMapCache, number: int) -> list[QuantisedMap]:
    """The maps of all members of one image."""
    stored = [cache.get(SoftMapKey(f"{m}", f"{number}", "")) for m in range(len(GRIDS))]
    return [maps for maps in stored if maps is not None]


def tune(folder: Path, labels: Sequence[Label], num_images: int) -> tuple[TupleStatistic, float]:
    """From the cache to rules; the statistic, and the seconds until it stood."""
    start = time.perf_counter()
    cache, num_classes = SoftMapCache(folder), 29
    present = np.ones((num_classes, len(GRIDS)), np.bool_)
    builder = StatisticBuilder(present, range(num_classes), ThresholdRange())
    for number in range(num_images):
        maps = read(cache, number % len(labels))
        builder.add(
            [[member[c] for member in maps] for c in range(num_classes)],
            labels[number % len(labels)],
        )
    statistic = builder.result()
    statistic_s = time.perf_counter() - start
    groups = [str(number) for number in range(num_images)]
    cross_validate(statistic, groups, num_folds=5, seed=0, progress=silent)
    return statistic, statistic_s


def dense_evaluation_s(maps: Sequence[QuantisedMap], label: Label) -> float:
    """Seconds for the Dice of one image under one vector, with every map at full size."""
    import cv2

    start = time.perf_counter()
    for c in range(len(maps[0])):
        fused = sum(cv2.resize(member[c].astype(np.float32), label.size[::-1]) for member in maps)
        predicted, truth = fused > len(maps) * 127.5, get_mask(label.planes, c)
        _ = (2 * (predicted & truth).sum() + 1e-4) / (predicted.sum() + truth.sum() + 1e-4)
    return time.perf_counter() - start


def referee_rows(name: str, statistic: TupleStatistic, num_classes: int | None) -> list[Row]:
    """Each class's objective: what the search finds against CMA-ES, and the seconds of both."""
    images = np.arange(statistic.num_images)
    ours, theirs, greedy, seconds, fitter = [], [], [], np.zeros(2), Fitter(statistic)
    for c in range(statistic.num_classes)[:num_classes]:
        objective = statistic.objective(images, np.array([c]))
        start = time.perf_counter()
        ours.append(fitter.fit_class(c, images, seed=0).score)
        seconds[0] += time.perf_counter() - start
        start = time.perf_counter()
        theirs.append(cma_score(objective, len(statistic.present[c])))
        seconds[1] += time.perf_counter() - start
        greedy.append(greedy_score(objective, len(statistic.present[c])))
    gain, over_greedy = np.array(ours) - theirs, np.array(ours) - greedy
    print(f"{name}: ours - CMA-ES by class: " + " ".join(f"{value:+.5f}" for value in gain))
    print(f"{name}: ours - greedy by class: " + " ".join(f"{value:+.5f}" for value in over_greedy))
    return [
        limit_row(f"{name}: most that CMA-ES finds more in a class", -gain.min(), CMA_MARGIN),
        limit_row(f"{name}: what CMA-ES finds more, mean over classes", -gain.mean(), 1e-9),
        limit_row(f"{name}: what greedy finds more, mean over classes", -over_greedy.mean(), 1e-9),
        Row(
            f"{name}: search, s, against CMA-ES",
            *seconds.tolist(),
            float(seconds[1] / seconds[0]),
            1,
        ),
    ]


def cma_score(objective, num_members: int) -> float:
    """The highest score of EVALUATIONS points that CMA-ES tries from uniform weights."""
    low, high = objective.thresholds.low, objective.thresholds.high

    def loss(point: np.ndarray) -> float:
        weights = np.abs(point[:-1])
        return -objective.score(weights / weights.sum(), float(np.clip(point[-1], low, high)))

    start = np.append(np.full(num_members, 1 / num_members), 0.5)
    settings = {"maxfevals": EVALUATIONS, "verbose": -9, "seed": 1}
    return -float(cma.fmin2(loss, start, 0.2, settings)[1].result.fbest)


def greedy_score(objective, num_members: int) -> float:
    """The best score on the way of a selection with replacement, then over thresholds."""
    counts, best = np.zeros(num_members), (-1.0, np.zeros(num_members))
    for _ in range(GREEDY_ROUNDS):
        tried = [counts + vertex for vertex in np.eye(num_members)]
        scores = [objective.score(each / each.sum(), 0.5) for each in tried]
        counts = tried[int(np.argmax(scores))]
        best = max(best, (max(scores), counts), key=lambda scored: scored[0])
    weights = best[1] / best[1].sum()
    low, high = objective.thresholds.low, objective.thresholds.high
    return max(objective.score(weights, limit) for limit in np.linspace(low, high, 41))


def worth_row(name: str, scenario: Scenario, seeds: int) -> Row:
    """What tuning on few images gives on others, over seeds."""
    draws = iter_statistics(scenario)
    oracle_set, test = next(draws), next(draws)
    everything = np.arange(SCORED_ON)
    oracle = Fitter(oracle_set).fit(everything, seed=0)
    best = max(test.scores(rules).mean() for rules in oracle.values())
    singles = [
        test.scores(spread(vertex, 0.5, test.present)).mean()
        for vertex in np.eye(test.present.shape[1])
    ]
    kept, uniform = [], 0.0
    for seed in range(seeds):
        drawn = draw_statistic(np.random.default_rng(seed), scenario, TUNED_ON)
        groups = [str(number) for number in range(TUNED_ON)]
        found = cross_validate(drawn, groups, num_folds=5, seed=0, progress=silent)
        kept.append(test.scores(found.rules).mean())
        uniform = float(test.scores(found.candidates["uniform"]).mean())
    losses, mean = uniform - np.array(kept), float(np.mean(kept))
    print(
        f"{name}: uniform {uniform:.4f}, best single {max(singles):.4f}, kept {mean:.4f}, oracle "
        f"{best:.4f}; loss against uniform {losses.mean():+.5f}, worst seed {losses.max():+.5f}"
    )
    if name == "equal":
        return limit_row("equal members: loss against uniform", float(losses.mean()), LIMIT_LOSS)
    if name == "one good":
        return limit_row("one good: loss against the best single", max(singles) - mean, LIMIT_LOSS)
    missed = 1 - (mean - uniform) / (best - uniform)
    return limit_row("specialist: share of the oracle's gain missed", missed, 1 - LEAST_SHARE)


def iter_statistics(scenario: Scenario) -> Iterator[TupleStatistic]:
    """Large sets of images of one scenario that no tuning sees."""
    for seed in range(1000, 1002):
        yield draw_statistic(np.random.default_rng(seed), scenario, SCORED_ON)


if __name__ == "__main__":
    main()
