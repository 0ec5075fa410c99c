"""Measurements in a file: nothing is measured twice, and a line that was cut off is measured again."""

import pytest

from benchmarks.measurements import Measurements
from twolayer.errors import FileError

KEYS = [("t", "folds", "0.1", "ours"), ("t", "folds", "0.1", "theirs")]


def count(measurements):
    """Ask for both keys; return which were measured now."""
    measured = []

    def measure(key):
        measured.append(key[-1])
        return {"loss": float(len(key[-1]))}

    for key in KEYS:
        assert measurements.of(key, lambda key=key: measure(key)) == {"loss": len(key[-1])}
    return measured


def test_a_second_run_measures_nothing_again(tmp_path):
    path = tmp_path / "measurements.jsonl"
    first = Measurements(path)
    assert count(first) == ["ours", "theirs"]
    assert count(first) == []
    assert count(Measurements(path)) == []
    assert count(Measurements()) == ["ours", "theirs"]


def test_a_line_that_a_stopped_run_left_is_measured_again(tmp_path):
    path = tmp_path / "measurements.jsonl"
    count(Measurements(path))
    path.write_text(path.read_text()[:-5])
    assert count(Measurements(path)) == ["theirs"]
    assert count(Measurements(path)) == []


@pytest.mark.parametrize("line", ["nothing", "[1]", '{"loss": 1}'])
def test_a_damaged_line_is_told(tmp_path, line):
    path = tmp_path / "measurements.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(FileError, match=r"line 1 of .* is no measurement"):
        Measurements(path)
