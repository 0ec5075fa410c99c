"""Which engine and whether the span: from shapes and settings alone, and never where it is not exact or does not fit."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given
from hypothesis import strategies as st
from small_problems import small_problem

import twolayer as tl
from twolayer.engines.compiled.engine import CompiledEngine
from twolayer.errors import Refusal
from twolayer.maths.problem import Problem, checked_objective, checked_problem
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent
from twolayer.solvers.lbfgs import LBFGS
from twolayer.training import engine_choice

SOLVERS = {"gd": GradientDescent(1e-6), "lbfgs": LBFGS(), "adam": Adam()}
OBJECTIVE = checked_objective("squared_error", "relu", 0.0)


def shaped(n_rows, n_inputs, n_hidden=20, dtype="float64", density=None, n_networks=None):
    """A problem and parameters of those shapes that take no memory: every number the same one."""
    front = () if n_networks is None else (n_networks,)
    one = lambda *shape: np.broadcast_to(np.zeros(1, dtype), shape)  # noqa: E731
    x = one(n_rows, n_inputs)
    if density is not None:
        x = scipy.sparse.csr_array((n_rows, n_inputs), dtype=dtype)
        x = replace_nnz(x, int(density * n_rows * n_inputs))
    params = tl.Params(one(*front, n_inputs, n_hidden), None, one(*front, n_hidden, 1), None)
    return Problem(x, one(n_rows, 1), None, OBJECTIVE, float(n_rows)), params


def replace_nnz(x, nnz):
    """A sparse table that says it holds so many numbers."""
    return type("Sparse", (), {"shape": x.shape, "dtype": x.dtype, "nnz": nnz})()


def choice(problem, params, solver="gd", engine="auto", device="cpu", span="auto", **more):
    solver = SOLVERS.get(solver, solver)
    return engine_choice.choose_engine(
        problem, params, solver, engine=engine, device=device, span=span, **{"steps": 500, **more}
    )


# What is chosen


@pytest.mark.parametrize(
    ("kind", "solver", "steps", "spanned"),
    [
        ({"n_rows": 64, "n_inputs": 1000, "n_hidden": 100}, "gd", 500, True),  # P1
        ({"n_rows": 171, "n_inputs": 5748, "n_hidden": 100}, "lbfgs", 300, True),
        ({"n_rows": 100, "n_inputs": 10**6, "n_hidden": 100, "dtype": "float32"}, "gd", 100, True),
        ({"n_rows": 2000, "n_inputs": 10**5, "n_hidden": 50, "density": 1e-3}, "lbfgs", 300, True),
        ({"n_rows": 10**6, "n_inputs": 10}, "gd", 500, False),
        ({"n_rows": 10**6, "n_inputs": 10}, "lbfgs", 10**6, False),
        ({"n_rows": 5000, "n_inputs": 5000}, "gd", 10**6, True),  # half the products
        ({"n_rows": 11_000, "n_inputs": 5000}, "gd", 10**6, False),
        ({"n_rows": 12, "n_inputs": 2, "n_hidden": 10}, "gd", 500, False),  # the quadrants
        ({"n_rows": 64, "n_inputs": 1000, "n_hidden": 100}, "gd", 0, False),
        ({"n_rows": 64, "n_inputs": 70, "n_hidden": 10}, "gd", 1, False),
        ({"n_rows": 64, "n_inputs": 1000, "n_hidden": 100}, "adam", 10**6, False),
    ],
)
def test_the_span_where_it_pays(kind, solver, steps, spanned):
    chosen = choice(*shaped(**kind), solver, steps=steps)
    assert (chosen.span is not None) == spanned
    assert chosen.engine.name == ("numpy" if "density" in kind and not spanned else "compiled")
    shape = f"{kind['n_rows']} rows and {kind['n_inputs']} columns"
    if solver == "adam":
        assert "'adam' leaves the span" in chosen.why
    else:
        assert ("; the span, as" if spanned else "; the full table, as") in chosen.why
        assert shape in chosen.why


@pytest.mark.parametrize("n_rows", [50_000, 200_000])
def test_a_span_that_does_not_fit_is_not_entered(n_rows):
    """A sparse table of many rows: the long way is slow, but k alone would take tens of gigabytes."""
    problem, params = shaped(n_rows, 10**7, density=1e-5)
    chosen = choice(problem, params, "lbfgs", steps=10**9)
    assert chosen.span is None
    assert "GB" in chosen.why
    assert (
        choice(problem, params, "lbfgs", engine="numpy", span=True).span is not None
    )  # it was asked for


def test_a_batch_of_few_rows_seldom_pays():
    problem, params = shaped(2000, 3000)
    assert choice(problem, params, steps=200, batch_size=10).span is None
    assert choice(problem, params, steps=100_000, batch_size=10).span is not None


def test_the_engine():
    problem, params = shaped(64, 1000)
    for name in ("numpy", "compiled", "torch"):
        chosen = choice(problem, params, engine=name)
        assert chosen.engine.name == name
        assert chosen.span is None
        assert (
            chosen.why
            == f"engine '{name}' was chosen by name; a named engine runs the program as written"
        )
        assert choice(problem, params, engine=name, span=True).span is not None
    assert choice(problem, params, span=False).why.endswith(
        "the full table was chosen by span=False"
    )
    assert choice(problem, params, span=True).why.endswith("the span was chosen by span=True")


def test_without_numba_auto_still_runs(monkeypatch):
    refusal = Refusal("engine 'compiled'", "needs Numba", "install it")
    monkeypatch.setattr(CompiledEngine, "missing", lambda self: refusal)
    problem, params = shaped(64, 1000)
    chosen = choice(problem, params)
    assert chosen.engine.name == "numpy"
    assert chosen.why.startswith("engine 'numpy', as engine 'compiled' needs Numba; ")
    with pytest.raises(tl.EngineError, match=r"^engine 'compiled' needs Numba: install it$"):
        choice(problem, params, engine="compiled")


# Sparse tables


def sparse_problem(n_rows=9, n_inputs=60, **more):
    x, y, params, _ = small_problem(n_rows=n_rows, n_inputs=n_inputs, **more)
    x[np.random.default_rng(0).random(x.shape) < 0.8] = 0
    return x, y, params


@pytest.mark.parametrize("engine", ["compiled", "torch", "torch-autograd", "torch-function", "torch-nn"])  # fmt: skip
def test_an_engine_that_takes_no_sparse_table_says_so(engine):
    x, y, params = sparse_problem()
    with pytest.raises(tl.EngineError, match=f"'{engine}' takes dense tables only.*sparse.*numpy"):
        tl.train(scipy.sparse.csr_array(x), y, params, engine=engine)


@pytest.mark.parametrize("n_networks", [None, 3])
@pytest.mark.parametrize("shape", [(9, 60), (60, 9), (9, 2000)])
@pytest.mark.parametrize("steps", [1, 300])
@pytest.mark.parametrize("solver", ["gd", "adam", "lbfgs"])
def test_auto_takes_a_sparse_table(solver, steps, shape, n_networks):
    x, y, params = sparse_problem(*shape, n_networks=n_networks)
    how = {"solver": solver, "steps": steps, "learning_rate": 1e-4, "activation": "tanh"}
    if solver == "adam" and n_networks:
        with pytest.raises(tl.EngineError, match="many networks at once on dense tables only"):
            tl.train(scipy.sparse.csr_array(x), y, params, **how)
        return
    if solver == "lbfgs":
        how["steps"] = min(steps, 8)
    run = tl.train(scipy.sparse.csr_array(x), y, params, **how)
    expected = tl.train(x, y, params, engine="numpy", **how)
    assert run.engine == ("compiled" if run.span else "numpy")
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-8)


# The model


def costs(n_rows, n_inputs, n_hidden, dtype, density, solver, batch_size=None, **more):
    problem, params = shaped(n_rows, n_inputs, n_hidden, dtype, density, **more)
    return [
        model(problem, params, SOLVERS[solver], batch_size)
        for model in (engine_choice.full_table_cost, engine_choice.span_cost)
    ]


SHAPES = {
    "n_rows": st.integers(1, 10**5),
    "n_inputs": st.integers(1, 10**6),
    "n_hidden": st.integers(1, 500),
    "dtype": st.sampled_from(["float32", "float64"]),
    "density": st.sampled_from([None, 1e-3]),
    "solver": st.sampled_from(["gd", "lbfgs"]),
}


@given(
    more=st.sampled_from(["n_rows", "n_inputs", "n_hidden"]),
    factor=st.integers(2, 50),
    **SHAPES,
)
def test_more_of_anything_never_costs_less(more, factor, **shape):
    small, large = costs(**shape), costs(**{**shape, more: factor * shape[more]})
    for less, greater in zip(small, large, strict=True):
        assert 0 <= less.once <= greater.once
        assert 0 < less.step <= greater.step
        assert less.of(10) < less.of(11)


@example(
    steps=1, factor=2, n_rows=4, n_inputs=2, n_hidden=1, dtype="float32", density=1e-3, solver="gd"
)  # a table so empty that the span is sooner there and slower on the way
@given(steps=st.integers(0, 10**5), factor=st.integers(2, 100), **SHAPES)
def test_more_steps_never_turn_the_choice_back(steps, factor, solver, **shape):
    problem, params = shaped(**shape)
    if choice(problem, params, solver, steps=steps).span is not None:
        assert choice(problem, params, solver, steps=factor * steps).span is not None


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_once_in_the_span_a_step_costs_nothing_per_column(solver):
    steps = {costs(100, d, 50, "float64", None, solver)[1].step for d in (10**3, 10**4, 10**6)}
    assert len(steps) == 1


def test_many_networks_cost_as_many_times_the_steps_of_one():
    one, many = costs(64, 1000, 100, "float64", None, "gd"), costs(64, 1000, 100, "float64", None, "gd", n_networks=5)  # fmt: skip
    for alone, together in zip(one, many, strict=True):
        assert together.step == pytest.approx(5 * alone.step)
    assert one[1].once < many[1].once < 5 * one[1].once  # x @ x.T is shared


# The same call, the same numbers


@pytest.mark.parametrize("solver", ["gd", "lbfgs", "adam"])
@pytest.mark.parametrize("shape", [(9, 31), (31, 9), (20, 2000)])
def test_values_do_not_matter(solver, shape):
    x, y, params, _ = small_problem(n_rows=shape[0], n_inputs=shape[1])
    seen = set()
    for factor in (0.0, 1e-8, 1.0, 1e8):
        given_params = params.map(lambda w, factor=factor: factor * w)
        problem = checked_problem(factor * x, factor * y, given_params, OBJECTIVE)
        chosen = choice(problem, given_params, solver)
        seen.add((chosen.engine.name, chosen.device, chosen.span, chosen.why))
    assert len(seen) == 1


CHOOSE = """
import numpy as np
import twolayer as tl
{}
x = np.random.default_rng(0).standard_normal((20, 400))
run = tl.train(x, x[:, :2], tl.init_params(400, 8, 2, scheme="glorot"), solver="lbfgs", alpha=0.5, steps=40)
print(run.engine, run.span, run.why, run.losses.tobytes().hex(), sep="|")
"""


@pytest.mark.slow
def test_what_else_is_loaded_or_was_done_before_does_not_matter():
    before = [
        "",
        "import torch, sklearn, scipy.linalg",
        "tl.train(np.ones((9, 3)), np.ones(9), tl.init_params(3, 2, 1), engine='compiled', steps=2)",
    ]
    said = {
        subprocess.run(
            [sys.executable, "-c", CHOOSE.format(line)], capture_output=True, text=True, check=True
        ).stdout
        for line in before
    }
    assert len(said) == 1
    assert said.pop().startswith(
        "compiled|True|engine 'compiled', machine code; the span, as 20 rows"
    )


def test_a_solvers_own_settings_are_looked_at():
    problem, params = shaped(200, 2000)
    long_memory = replace(LBFGS(), memory_size=100)
    for model in (engine_choice.full_table_cost, engine_choice.span_cost):
        assert model(problem, params, long_memory, None).step > model(problem, params, LBFGS(), None).step  # fmt: skip
