import json
import sys

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


def child(code):
    return measure.run_child([sys.executable, "-c", code])


def test_the_peak_of_a_child_is_its_own_and_survives_a_reset():
    held = np.ones(400_000_000, np.uint8)
    ended = child(
        "import time; held = b'1' * 150_000_000; time.sleep(.2); del held\n"
        "open('/proc/self/clear_refs', 'w').write('5'); time.sleep(.2); print('{\"x\": 2}')"
    )
    assert 150_000_000 < ended.peak_bytes < held.nbytes
    assert ended.wall_s > 0.1
    assert ended.result == {"x": 2}


def test_a_child_that_fails_ends_the_bench_with_its_reason():
    with pytest.raises(SystemExit, match=r"no such(?s:.*)exit 3"):
        child("import sys; print('no such', file=sys.stderr); sys.exit(3)")
