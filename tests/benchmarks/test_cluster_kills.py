"""What `python -m benchmarks kills` says of its runs, and when two runs are the same."""

from types import SimpleNamespace

import numpy as np

import twolayer as tl
from benchmarks.cluster_kills import kill_line, kill_summary, same_bits


def run_of(params, losses):
    return SimpleNamespace(params=params, losses=np.array(losses))


def test_runs_are_the_same_to_the_last_bit_or_not():
    params = tl.init_params(3, 2, 1, random_state=0)
    other = params.copy()
    assert same_bits(run_of(params, [2.0, 1.0]), run_of(other, [2.0, 1.0]))
    assert not same_bits(run_of(params, [2.0, 1.0]), run_of(other, [2.0, np.nextafter(1.0, 2)]))
    other.b2[0] = np.nextafter(other.b2[0], 1)
    assert not same_bits(run_of(params, [2.0, 1.0]), run_of(other, [2.0, 1.0]))


def test_the_summary_counts_kills_that_hit():
    rows = [
        ("rows", "pass", 0.5, 3.0, True, True),
        ("rows", "pass", 0.5, 4.0, False, True),
        ("rows", "pass", 9.0, 2.0, True, False),  # it had ended before
        ("columns", "training", 0.1, 2.5, True, True),
    ]
    lines = kill_summary(rows).splitlines()
    assert lines[3:] == [
        "| rows | pass | 2 | 1 | 4.0 s |",
        "| columns | training | 1 | 1 | 2.5 s |",
    ]
    assert "OTHER BITS" in kill_line(*rows[1])
    assert "ended before the kill" in kill_line(*rows[2])
