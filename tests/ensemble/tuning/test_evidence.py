"""What tuning says of its candidates, against a bootstrap of its own."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ensemble.fusion.weights import FusionWeights
from ensemble.tuning.choice import GAIN_LEVEL, choose
from ensemble.tuning.class_plan import ClassPlan
from ensemble.tuning.cross_validation import CrossValidation
from ensemble.tuning.evidence import class_evidence, overall_evidence, write_result
from ensemble.tuning.result import TuningResult
from ensemble.tuning.rules import DEFAULT_THRESHOLD, spread

NAMES = ("Radius", "Ulna")
CANDIDATES = ("uniform", "best_single", "shared", "tuned")
GROUPS = [f"p{i % 9}" for i in range(30)]
MAX_ERROR = 0.004  # of the ends of two bootstraps of some thousand draws, that lie .1 apart


@pytest.fixture
def result(tmp_path):
    rng = np.random.default_rng(0)
    people = rng.normal(0, 0.08, (9, 1))
    scores = {
        name: np.clip(
            [0.8 + 0.02 * k + people[i % 9] + rng.normal(0, 0.05, 2) for i in range(30)], 0, 1
        )
        for k, name in enumerate(CANDIDATES)
    }
    rules = spread(np.array([0.5, 0.5]), DEFAULT_THRESHOLD, np.ones((2, 2), bool))
    validation = CrossValidation(
        candidates=dict.fromkeys(CANDIDATES, rules),
        choice=choose(
            "shared",
            scores["shared"],
            {0.5: scores["tuned"]},
            GROUPS,
            seen=np.array([True, True]),
            seed=0,
        ),
        scores=scores,
        kept=scores["tuned"] - 0.01,
        folds=np.arange(30) % 3,
        num_seen=np.array([30, 29]),
    )
    weights = FusionWeights(
        members=("a", "b"),
        sha256s=(None, None),
        class_names=("Ulna", "unlabelled", "Radius"),
        weights=np.full((2, 3), 0.5),
        thresholds=np.full(3, 0.5),
    )
    plan = ClassPlan(NAMES, (0, 1), ((0, 0), (1, 1)), exclusive=False)
    return TuningResult(tmp_path / "w.json", weights, plan, validation, GROUPS, seed=0)


def drawn_interval(values):
    """Percentiles of means over the images of people drawn one by one, and drawn again."""
    rng = np.random.default_rng(99)
    people = sorted(set(GROUPS))
    images = {person: [i for i, group in enumerate(GROUPS) if group == person] for person in people}
    means = []
    for _ in range(2000):
        drawn = [i for person in rng.choice(people, len(people)) for i in images[person]]
        means.append(np.mean([values[i] for i in drawn]))
    widened = np.mean(values) + (np.array(means) - np.mean(values)) * np.sqrt(9 / 8)
    return np.percentile(widened, [50 - 50 * GAIN_LEVEL, 50 + 50 * GAIN_LEVEL])


def check(entry, values):
    assert entry["mean"] == pytest.approx(values.mean(), abs=1e-5)
    np.testing.assert_allclose(
        [entry["low"], entry["high"]], drawn_interval(values), rtol=0, atol=MAX_ERROR
    )


def test_the_score_of_every_candidate_has_an_interval_over_groups(result):
    evidence = class_evidence(result)
    assert list(evidence) == ["Ulna", "unlabelled", "Radius"]
    assert evidence["unlabelled"] == {}
    for name in NAMES:
        assert list(evidence[name]["score"]) == [*CANDIDATES, "kept"]
    check(evidence["Ulna"]["score"]["uniform"], result.validation.scores["uniform"][:, 1])
    check(evidence["Radius"]["score"]["kept"], result.validation.kept[:, 0])


def test_so_has_the_mean_over_classes(result):
    dice = overall_evidence(result)["score"]
    assert list(dice) == [*CANDIDATES, "kept"]
    check(dice["best_single"], result.validation.scores["best_single"].mean(axis=1))
    check(dice["kept"], result.validation.kept.mean(axis=1))


def test_a_class_says_how_far_it_goes(result):
    choice = replace(result.validation.choice, shares=np.array([0.25, 0.0]))
    result = replace(result, validation=replace(result.validation, choice=choice))
    rules = [result.rule(name) for name in ("Radius", "Ulna", "unlabelled")]
    assert rules == ["tuned 25%", "shared", "uniform (not labelled)"]


def test_what_could_not_be_scored_is_not_stated(result):
    result = replace(result, validation=replace(result.validation, kept=None))
    assert list(overall_evidence(result)["score"]) == [*CANDIDATES]
    assert list(class_evidence(result)["Ulna"]["score"]) == [*CANDIDATES]


def test_a_candidate_stands_on_one_line_of_the_file(result):
    write_result(result)
    text = result.path.read_text(encoding="utf-8")
    stored = json.loads(text)
    assert stored["evidence"] == overall_evidence(result)
    assert {name: entry["evidence"] for name, entry in stored["classes"].items()} == (
        class_evidence(result)
    )
    entry = stored["classes"]["Ulna"]["evidence"]["score"]["shared"]
    line = ", ".join(f'"{key}": {value}' for key, value in entry.items())
    assert f'     "shared": {{{line}}},' in text.splitlines()
    assert max(map(len, text.splitlines())) < 120
