import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import measure
from measure import Row, Times, compare, in_turn, print_summary


def test_every_function_runs_in_every_round_in_alternating_order():
    calls = []
    work = {name: lambda name=name: calls.append(name) for name in ("a", "b")}
    times = in_turn(work, rounds=3, warm_ups=1)
    assert "".join(calls) == "ab" + "ab" + "ba" + "ab"
    assert {name: len(value.values) for name, value in times.items()} == {"a": 3, "b": 3}


def test_the_ratio_is_taken_round_by_round():
    ours, against = Times((1.0, 10.0, 2.0)), Times((3.0, 30.0, 8.0))
    row = compare("x", ours, against, target=3.0)
    assert (row.ours, row.against, row.ratio) == (2000.0, 8000.0, 3.0)
    assert row.holds is True


@pytest.mark.parametrize(
    ("ratio", "target", "holds", "verdict"),
    [
        (2.0, 2.0, True, "holds"),
        (1.9, 2.0, False, "MISSED"),
        (1.0, None, None, ""),
        (0.9, None, None, "more than theirs"),
    ],
)
def test_a_row_says_whether_its_target_is_met(ratio, target, holds, verdict):
    row = Row("x", 1.0, ratio, ratio, target)
    assert (row.holds, row.verdict) == (holds, verdict)


def test_the_last_line_of_a_summary_is_json(capsys):
    print_summary([Row("x", 1.23456, 2.0, 1.62, 1.5), Row("y", 1.0, 1.0, 1.0)])
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == [
        {"name": "x", "ours": 1.235, "against": 2.0, "ratio": 1.62, "target": 1.5, "holds": True},
        {"name": "y", "ours": 1.0, "against": 1.0, "ratio": 1.0, "target": None, "holds": None},
    ]


def test_the_machine_names_versions_of_packages():
    assert f"numpy {np.__version__}" in measure.machine("numpy")


def test_the_peak_covers_what_was_held_and_freed():
    np.ones(30_000_000, np.uint8)
    assert measure.peak_bytes() >= 30_000_000


def test_the_peak_of_a_child_is_not_that_of_its_parent():
    held = np.ones(300_000_000, np.uint8)
    code = "import measure; print(measure.peak_bytes())"
    folder = Path(measure.__file__).parent
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, check=True
    )
    assert int(child.stdout) < held.nbytes
