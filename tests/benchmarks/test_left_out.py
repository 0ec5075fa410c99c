"""The benchmark of rows left out: what was trained without them is not shown as the closed form."""

import numpy as np
import pytest

from benchmarks import left_out


@pytest.mark.slow
@pytest.mark.parametrize(("alpha", "trained"), [(0.01, True), (30.0, False)])
@pytest.mark.filterwarnings("ignore")
def test_trainings_are_marked(monkeypatch, alpha, trained):
    monkeypatch.setattr(left_out, "SINGLE_ROWS", 2)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    y = np.abs(x[:, 0]) + 0.3 * rng.standard_normal(40)
    found = list(left_out.comparisons(x, y, alpha))
    assert [one.trained for one in found] == [trained] * 3
    lines = [left_out.table_row("made up", one) for one in found]
    assert all((", trained |" in line) == trained for line in lines)
    assert lines[0].count("|") == left_out.HEADER.count("|")
