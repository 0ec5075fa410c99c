"""The speed benchmark: its arithmetic, its fairness checks, and its command."""

import json
import math
import re

import numpy as np
import pytest

import twolayer as tl
from benchmarks import rows, speed, speed_report, width_scaling
from benchmarks.__main__ import COMMANDS, main
from benchmarks.machine import Machine
from benchmarks.timing import Contender, Timed

MACHINE = Machine({"float64": 1e9, "float32": 2e9}, 1e8, {})


def test_an_unfair_row_says_so():
    row = rows.Row("r", "run", [], same=("peer",), above=("other",))
    fair = [Timed("twolayer", [1.0], 2.0), Timed("peer", [1.0], 2.0), Timed("other", [1.0], 2.5)]
    assert speed_report.unfairness(row, fair) == []
    unfair = [fair[0], Timed("peer", [1.0], 2.1), Timed("other", [1.0], 1.9)]
    assert len(speed_report.unfairness(row, unfair)) == 2
    row.target = 2.0
    assert speed_report.unfairness(row, fair) == []
    assert len(speed_report.unfairness(row, unfair)) == 3


def test_steps_until_is_the_first_that_reaches_it():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 6)), rng.integers(0, 3, 30)
    params = tl.init_params(6, 5, 3, scheme="glorot")
    settings = {"loss": "log_loss", "solver": "lbfgs", "alpha": 1.0}
    run = tl.train(x, y, params, steps=40, **settings)
    until = float(run.losses[17])
    steps = rows.steps_until(x, y, params, settings, until)
    assert steps == 17
    assert tl.train(x, y, params, steps=steps, **settings).final_loss <= until
    assert tl.train(x, y, params, steps=steps - 1, **settings).final_loss > until


@pytest.mark.parametrize(
    ("value", "text"), [(2.5, "2.5 s"), (0.0125, "12.5 ms"), (3.2e-6, "3.2 µs"), (4e-8, "40 ns")]
)
def test_seconds_are_told_in_the_unit_that_reads_best(value, text):
    assert speed_report.seconds_text(value) == text


@pytest.mark.slow
def test_a_row_from_the_command_line(tmp_path, monkeypatch, capsys):
    """A row of two quick contenders, whose figures come back from the files."""

    def tiny(machine, quick):
        contenders = [
            Contender("twolayer", lambda: 1.0, threads=False, floor=machine.floor(1e3, "float64")),
            Contender("a peer", lambda: sum(range(20000)) * 0 + 1.0, threads=False),
        ]
        return rows.Row("tiny", "run", contenders, same=("a peer",))

    monkeypatch.setitem(rows.ROWS, "tiny", tiny)
    monkeypatch.setattr("benchmarks.machine.measure_machine", lambda: Machine(
        {"float64": 1e9, "float32": 2e9}, 1e8,
        {"processor": "p", "processors": 1, "system": "s", "python": "3", "versions": {}, "blas": []},
    ))  # fmt: skip
    main(["tiny", "--out", str(tmp_path)])
    figures = json.loads((tmp_path / "bench.json").read_text())["rows"][0]
    ours, peer = figures["contenders"]
    assert peer["times_ours"] > 1
    assert math.isclose(ours["times_floor"], ours["median"] / 1e-6)
    assert peer["floor"] is None
    told = capsys.readouterr().out
    assert "tiny (per run)" in told
    assert "times ours" in told
    assert "times its floor of 1 µs" in told
    assert "| a peer |" in (tmp_path / "bench.md").read_text()
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_no_row_is_every_row(monkeypatch):
    asked = []
    monkeypatch.setattr(speed, "measure_rows", lambda names, quick: asked.append(names) or {})
    main([])
    main(["--quick"])
    assert set(asked[0]) - set(asked[1]) == set(speed.SLOW)


def test_an_unknown_row_is_refused(capsys):
    with pytest.raises(SystemExit) as left:
        main(["p2"])
    assert left.value.code == 2
    assert "invalid choice: 'p2' (choose from" in capsys.readouterr().err


def test_every_benchmark_is_listed_and_tells_its_options(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out
    for name in COMMANDS:
        with pytest.raises(SystemExit) as left:
            main([name, "--help"])
        assert left.value.code == 0
        assert name in ("speed", *re.findall(r"\w+", listed))
        assert "usage: python -m benchmarks" in capsys.readouterr().out


def test_steps_cost_the_same_at_any_width_for_ours_and_for_numpy(monkeypatch):
    """Both take the same steps: they end with the same loss."""
    monkeypatch.setattr(width_scaling, "STEPS", 20)
    width = width_scaling.prepare_width(300, "float64", MACHINE)
    losses = width.ours()
    assert width.numpy()[1] == pytest.approx(losses[-11])  # ours has taken 10 before
    monkeypatch.setattr(width_scaling, "TABLES", ((1_000, "float64"), (2_000, "float64")))
    figures = width_scaling.width_scaling(MACHINE, quick=True)
    assert [each["columns"] for each in figures] == [1_000, 2_000]
    assert figures[0]["times_the_least_width"] == 1
    assert all(each["numpy_step"] > 0 for each in figures)
    assert len(speed_report.scaling_lines({"width_scaling": figures})) == 7
