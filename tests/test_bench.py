"""The benchmark: its arithmetic, its fairness checks, and that its peers do the work they are said to do."""

import json
import math

import numpy as np
import pytest

import twolayer as tl
from twolayer.bench import peers, report, rows, timing
from twolayer.bench.machine import Machine
from twolayer.bench.timing import Contender, Timed
from twolayer.cli.main import main

MACHINE = Machine({"float64": 1e9, "float32": 2e9}, 1e8, {})


def program(n=8, d=12, h=5, o=3, seed=0):
    rng = np.random.default_rng(seed)
    params = tl.init_params(d, h, o, bias=False, random_state=seed)
    return rng.standard_normal((n, d)), rng.standard_normal((n, o)), params


def test_the_floor_is_whichever_takes_longer():
    assert MACHINE.floor(2e9, "float64") == 2
    assert MACHINE.floor(2e9, "float32") == 1
    assert MACHINE.floor(2e9, "float64", traffic=5e8) == 5


def test_a_ratio_is_the_median_of_the_rounds_own():
    slow, fast = Timed("slow", [2.0, 30.0, 4.0]), Timed("fast", [1.0, 10.0, 1.0])
    assert slow.times(fast) == 3  # of 2, 3 and 4; the medians' own ratio would be 4
    assert Timed("few", [4.0]).times(fast) == 4  # rounds that both took


def test_contenders_take_turns_and_are_warmed_up_once():
    calls = []
    contenders = [
        Contender("a", lambda: calls.append("a") or 1.0, threads=False),
        Contender("b", lambda: calls.append("b") or 2.0, steps=10, threads=False, rounds=2),
    ]
    timed = timing.in_turn(contenders, 3)
    assert "".join(calls) == "ab" + "ab" + "ab" + "a"
    assert [len(each.seconds) for each in timed] == [3, 2]
    assert [each.objective for each in timed] == [1, 2]


def test_threads_are_limited_inside_and_restored_after():
    from threadpoolctl import threadpool_info

    import twolayer.engines.torch_engines  # noqa: F401

    torch = pytest.importorskip("torch")
    before = (torch.get_num_threads(), [pool["num_threads"] for pool in threadpool_info()])
    with timing.limited_to(1):
        assert torch.get_num_threads() == 1
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert (torch.get_num_threads(), [pool["num_threads"] for pool in threadpool_info()]) == before


@pytest.mark.parametrize("peer", ["numpy_program", "torch_by_hand", "torch_autograd"])
def test_the_peers_run_the_tutorials_program(peer):
    if peer != "numpy_program":
        pytest.importorskip("torch")
    x, y, params = program()
    losses = tl.train(x, y, params, learning_rate=1e-3, steps=20, engine="numpy").losses
    assert getattr(peers, peer)(x, y, params, 1e-3, 20) == pytest.approx(losses[-1], rel=1e-9)


def test_the_jax_peer_runs_it_too():
    pytest.importorskip("jax", reason="JAX is not part of the test environment")
    x, y, params = program()
    losses = tl.train(x, y, params, learning_rate=1e-3, steps=20, engine="numpy").losses
    assert peers.jax_scan(x, y, params, 1e-3, 20)() == pytest.approx(losses[-1], rel=1e-6)


def test_torchs_lbfgs_stops_at_the_objective_it_is_given():
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((30, 6)), rng.integers(0, 3, 30)
    params = tl.init_params(6, 5, 3, scheme="glorot")
    run = tl.train(x, labels, params, loss="log_loss", solver="lbfgs", alpha=1.0, steps=30)
    until = 1.05 * run.final_loss
    reached = peers.torch_lbfgs(x, labels, params, 1.0, until)
    assert 0.5 * until < reached <= until


def test_an_unfair_row_says_so():
    row = rows.Row("r", "run", [], 1.0, same=("peer",), above=("other",))
    fair = [Timed("twolayer", [1.0], 2.0), Timed("peer", [1.0], 2.0), Timed("other", [1.0], 2.5)]
    assert report.problems(row, fair) == []
    unfair = [fair[0], Timed("peer", [1.0], 2.1), Timed("other", [1.0], 1.9)]
    assert len(report.problems(row, unfair)) == 2


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
    assert report.seconds(value) == text


def test_a_row_from_the_command_line(tmp_path, monkeypatch, capsys):
    """A row of two quick contenders, whose figures come back from the files."""

    def tiny(machine, quick):
        contenders = [
            Contender("twolayer", lambda: 1.0, threads=False),
            Contender("a peer", lambda: sum(range(20000)) * 0 + 1.0, threads=False),
        ]
        return rows.Row("tiny", "run", contenders, machine.floor(1e3, "float64"), same=("a peer",))

    monkeypatch.setitem(rows.ROWS, "tiny", tiny)
    monkeypatch.setattr("twolayer.bench.machine.measure", lambda: Machine(
        {"float64": 1e9, "float32": 2e9}, 1e8,
        {"processor": "p", "processors": 1, "system": "s", "python": "3", "versions": {}, "blas": []},
    ))  # fmt: skip
    with pytest.raises(SystemExit) as left:
        main(["bench", "--rows", "tiny", "--out", str(tmp_path)])
    assert left.value.code == 0
    figures = json.loads((tmp_path / "bench.json").read_text())["rows"][0]
    ours, peer = figures["contenders"]
    assert peer["times_ours"] > 1
    assert math.isclose(figures["times_floor"], ours["median"] / 1e-6)
    told = capsys.readouterr().out
    assert "tiny (per run)" in told
    assert "times ours" in told
    assert "| a peer |" in (tmp_path / "bench.md").read_text()
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_an_unknown_row_is_told_with_the_nearest(capsys):
    with pytest.raises(SystemExit) as left:
        main(["bench", "--rows", "p2"])
    assert left.value.code == 2
    assert "did you mean 'p1'" in capsys.readouterr().err
